# The owner of a home on matrix-nio, who has just signed in and writes to their AI: in a
# plain room, and in an encrypted one. Prints what it answers.
#   ask.py HOMESERVER USER PASSWORD STORE AI TEXT
import asyncio, sys

from nio import AsyncClient, AsyncClientConfig, LoginResponse, RoomCreateResponse, RoomMessage, RoomPreset

homeserver, user, password, store, ai, text = sys.argv[1:7]
sealed = [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]


async def main():
    client = AsyncClient(homeserver, user, store_path=store, config=AsyncClientConfig(store_sync_tokens=True, encryption_enabled=True))
    answer = await client.login(password, device_name="nio")
    if not isinstance(answer, LoginResponse):
        sys.exit(f"sign-in: {answer}")
    heard = {}

    async def said(room, event):
        if event.sender == ai:
            how = "encrypted" if event.decrypted else "plain"
            print(f"{how}: {event.body}".replace("\n", " "), flush=True)
            heard[room.room_id] = True

    client.add_event_callback(said, RoomMessage)
    await client.sync(timeout=0, full_state=True)
    if client.should_upload_keys:
        await client.keys_upload()

    async def until(what, ok):
        for _ in range(60):
            if ok():
                return
            await client.sync(timeout=1000)
            if client.should_query_keys:
                await client.keys_query()
            await client.send_to_device_messages()
        sys.exit(f"waited in vain: {what}")

    for state in ([], sealed):
        made = await client.room_create(is_direct=True, invite=[ai], preset=RoomPreset.trusted_private_chat, initial_state=state)
        if not isinstance(made, RoomCreateResponse):
            sys.exit(f"room: {made}")
        room = made.room_id
        await until("the AI joins", lambda: room in client.rooms and ai in client.rooms[room].users and ai not in client.rooms[room].invited_users)
        await client.room_send(room, "m.room.message", {"msgtype": "m.text", "body": text}, ignore_unverified_devices=True)
        await until("an answer", lambda: room in heard)
    await client.close()


asyncio.run(main())
