"""Streams that can be taken up again, for servers made with any SDK."""


def memory(store, event_message):
    """Keeps every event. The SDK's own classes come in: where they lie differs by version."""

    class Memory(store):
        def __init__(self):
            self.events = []

        async def store_event(self, stream_id, message):
            self.events.append((stream_id, message))
            return str(len(self.events))

        async def replay_events_after(self, last_event_id, send_callback):
            stream, _ = self.events[int(last_event_id) - 1]
            for number, (other, message) in enumerate(self.events[int(last_event_id) :], int(last_event_id) + 1):
                if other == stream and message is not None:
                    await send_callback(event_message(message, str(number)))
            return stream

    return Memory()
