"""Reads companies and a ticket with a client that was generated from openapi/codex.json."""
import os

from codex_client import AuthenticatedClient
from codex_client.api.companies import list_companies
from codex_client.api.tickets import get_ticket, list_tickets
from codex_client.models import TicketDetailOut, TicketsOut

client = AuthenticatedClient(base_url=os.environ["CODEX_URL"], token=os.environ["CODEX_TOKEN"])
companies = list_companies.sync(client=client)
assert isinstance(companies, list) and companies and companies[0].account_number, companies
tickets = list_tickets.sync(client=client)
assert isinstance(tickets, TicketsOut), tickets
number = tickets.tickets[0].id
ticket = get_ticket.sync(str(number), client=client)
assert isinstance(ticket, TicketDetailOut) and ticket.id == number, ticket
print(f"{len(companies)} companies, ticket {number}: {ticket.subject}")
