"""The backend's hands in a project's workspace, which belongs to a worker that may be hostile.

``paths`` finds what a path means without ever leaving the root, ``files`` reads and lists, ``writer`` writes requests
and results and makes and removes workspaces. All of them hold descriptors instead of believing names twice.
"""
