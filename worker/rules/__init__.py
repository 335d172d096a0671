"""The rules of the template engine: text in, text out. Nothing here touches a file, a clock or the environment."""
