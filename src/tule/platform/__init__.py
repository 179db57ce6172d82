"""What a service is made of, and how one is called: Call, Service, Operation, ResourceType, Node, Dispatcher.

A service imports this room and the mechanisms below it, never another service.
"""
