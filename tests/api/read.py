"""Reads and writes with a client that was generated from openapi/codex.json: a filter, a partial answer, a bulk call."""
import os

from codex_client import AuthenticatedClient
from codex_client.api.companies import bulk_write_companies, list_companies
from codex_client.api.tickets import get_ticket, list_tickets
from codex_client.models import (
    BulkOut,
    BulkWriteCompaniesAction,
    CompanyIn,
    TicketDetailOut,
    TicketsOut,
)

NAME = "Generated Client GmbH"

client = AuthenticatedClient(base_url=os.environ["CODEX_URL"], token=os.environ["CODEX_TOKEN"])

rows = [CompanyIn(name=NAME), CompanyIn(name=NAME, compliance_level="odd")]
written = bulk_write_companies.sync(client=client, body=rows, action=BulkWriteCompaniesAction.CREATE)
assert isinstance(written, BulkOut), written
assert [row.status.value for row in written.results] == ["created", "failed"], written

companies = list_companies.sync(client=client)
assert isinstance(companies, list) and companies and companies[0].account_number, companies
found = list_companies.sync(client=client, name_startswith="generated", compliance_level_ne="hipaa", limit=5)
assert isinstance(found, list) and [company.name for company in found] == [NAME], found
parts = list_companies.sync(client=client, name_startswith="generated", fields="name,account_number")
assert isinstance(parts, list) and [part.name for part in parts] == [NAME], parts

tickets = list_tickets.sync(client=client)
assert isinstance(tickets, TicketsOut), tickets
number = tickets.tickets[0].id
ticket = get_ticket.sync(str(number), client=client)
assert isinstance(ticket, TicketDetailOut) and ticket.id == number, ticket
print(f"{len(companies)} companies, ticket {number}: {ticket.subject}")
