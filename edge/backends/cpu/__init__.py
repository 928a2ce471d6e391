"""The CPU's detector and painter. Importing this package loads no vendor library; its modules do."""
