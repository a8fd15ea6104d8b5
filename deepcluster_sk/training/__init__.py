"""The engine: a skorch net, the phases it runs, and what feeds them."""
