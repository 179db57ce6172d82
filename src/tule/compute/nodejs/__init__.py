"""Node.js functions: a worker that is started ahead, receives its function late, and speaks frames over its control socket."""
