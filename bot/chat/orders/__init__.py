"""What commands do, by subject. `bot.chat.commands` has the table of them all."""
