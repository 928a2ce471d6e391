"""What `edge demo` shows before anybody owns a camera or a broker; nothing a device in service needs."""
