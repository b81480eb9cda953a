"""What the app's server asks: the token endpoint and the GraphQL Admin API, with its rate limit."""
