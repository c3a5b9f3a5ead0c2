"""Reads companies and a ticket with a client that was generated from openapi/codex.json."""
import os

from codex_client import AuthenticatedClient
from codex_client.api.companies import list_companies
from codex_client.api.tickets import get_ticket, list_tickets

client = AuthenticatedClient(base_url=os.environ["CODEX_URL"], token=os.environ["CODEX_TOKEN"])
companies = list_companies.sync(client=client)
assert isinstance(companies, list) and companies and companies[0].account_number, companies
tickets = list_tickets.sync(client=client)
number = tickets.tickets[0].id
ticket = get_ticket.sync(str(number), client=client)
assert ticket.id == number, ticket
print(f"{len(companies)} companies, ticket {number}: {ticket.subject}")
