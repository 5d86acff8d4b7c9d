"""What the fault bench is made of: scenes, hosts, a server that lies, processes that die."""
