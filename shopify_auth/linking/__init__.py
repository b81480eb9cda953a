"""How people come to a store's account and leave it: linking, invitations, roles."""
