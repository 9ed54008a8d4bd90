# A person on matrix-nio, with libolm: joins what they are invited to, and says back
# every text, as it came: plain or encrypted.
#   echo.py HOMESERVER USER PASSWORD STORE
import asyncio, sys

from nio import AsyncClient, AsyncClientConfig, InviteMemberEvent, LoginResponse, MegolmEvent, RoomKeyEvent, RoomMessageText

homeserver, user, password, store = sys.argv[1:5]


async def main():
    client = AsyncClient(homeserver, user, store_path=store, config=AsyncClientConfig(store_sync_tokens=True, encryption_enabled=True))
    answer = await client.login(password, device_name="nio")
    if not isinstance(answer, LoginResponse):
        sys.exit(f"sign-in: {answer}")

    async def invited(room, event):
        if event.state_key == client.user_id and event.membership == "invite":
            for _ in range(20):  # a homeserver of others may need a moment
                if type(await client.join(room.room_id)).__name__ == "JoinResponse":
                    return
                await asyncio.sleep(0.5)

    async def said(room, event):
        if event.sender != client.user_id and not event.body.startswith("echo "):
            how = "encrypted" if event.decrypted else "plain"
            await client.room_send(room.room_id, "m.room.message", {"msgtype": "m.text", "body": f"echo {how}: {event.body}"}, ignore_unverified_devices=True)

    waiting = []  # a message may come before its key does

    async def unreadable(room, event):
        waiting.append((room, event))

    async def key(_):
        for room, event in list(waiting):
            try:
                clear = client.decrypt_event(event)
            except Exception:
                continue
            waiting.remove((room, event))
            await said(room, clear)

    client.add_event_callback(unreadable, MegolmEvent)
    client.add_to_device_callback(key, (RoomKeyEvent,))
    client.add_event_callback(invited, InviteMemberEvent)
    client.add_event_callback(said, RoomMessageText)
    await client.sync(timeout=0, full_state=True)
    if client.should_upload_keys:  # before anybody writes to this device
        await client.keys_upload()
    print("ready", flush=True)
    await client.sync_forever(timeout=10000)


asyncio.run(main())
