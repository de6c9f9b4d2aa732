"""One native LiveKit client (libwebrtc's FrameCryptor): joins, sends or receives for a while, and
prints what it received as JSON.

    native.py --url ws://… --name alice --encryption passphrase:secret [--publish] [--seconds 10]

It sends a picture that is red on the left and blue on the right, and a tone of 440 Hz.
"""

import argparse
import asyncio
import json

import numpy
from livekit import rtc

WIDTH, HEIGHT = 320, 240
# Seconds in which sound does not count: a client plays undecrypted frames until its cryptor is
# ready.
SETTLING = 1
SAMPLE_RATE = 48_000
SAMPLES = SAMPLE_RATE // 100
TONE = 440


def options(encryption):
    """The options for `off`, `none` (encrypted without a key), `passphrase:TEXT` or `key:HEX`."""
    kind, _, value = encryption.partition(":")
    if kind == "off":
        return None
    provider = rtc.KeyProviderOptions(ratchet_window_size=0, failure_tolerance=10)
    if kind == "passphrase":
        provider.shared_key = value.encode()
    if kind == "key":
        provider.shared_key = bytes.fromhex(value)
        provider.key_derivation_function = rtc.KeyDerivationFunction.HKDF
    return rtc.E2EEOptions(key_provider_options=provider)


async def send_video(source):
    picture = numpy.zeros((HEIGHT, WIDTH, 4), numpy.uint8)
    picture[:, : WIDTH // 2] = (255, 0, 0, 255)
    picture[:, WIDTH // 2 :] = (0, 0, 255, 255)
    frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, picture.tobytes())
    while True:
        source.capture_frame(frame)
        await asyncio.sleep(1 / 25)


async def send_audio(source):
    turn = 2 * numpy.pi * TONE / SAMPLE_RATE
    at = 0
    while True:
        wave = numpy.sin(turn * numpy.arange(at, at + SAMPLES))
        pcm = (8000 * wave).astype(numpy.int16)
        await source.capture_frame(rtc.AudioFrame(pcm.tobytes(), SAMPLE_RATE, 1, SAMPLES))
        at += SAMPLES


async def publish(room):
    video, audio = rtc.VideoSource(WIDTH, HEIGHT), rtc.AudioSource(SAMPLE_RATE, 1)
    tracks = [
        (rtc.LocalVideoTrack.create_video_track("camera", video), rtc.TrackSource.SOURCE_CAMERA),
        (rtc.LocalAudioTrack.create_audio_track("microphone", audio), rtc.TrackSource.SOURCE_MICROPHONE),
    ]
    tasks = [asyncio.create_task(send_video(video)), asyncio.create_task(send_audio(audio))]
    for track, source in tracks:
        wanted = rtc.TrackPublishOptions(source=source, video_codec=rtc.VideoCodec.VP8, simulcast=False, red=False)
        await room.local_participant.publish_track(track, wanted)
    return tasks


class Received:
    """Received media of others: pictures, the colours of the latest one, and sound."""

    def __init__(self):
        self.pictures = 0
        self.left = self.right = None
        self.energy = 0.0
        self.states = []
        self.tracks = []
        self.tasks = []

    def take(self, track):
        self.tracks.append(track)
        watch = self.watch if track.kind == rtc.TrackKind.KIND_VIDEO else self.hear
        self.tasks.append(asyncio.create_task(watch(track)))

    async def watch(self, track):
        async for event in rtc.VideoStream(track, format=rtc.VideoBufferType.RGBA):
            frame = event.frame
            pixels = numpy.frombuffer(frame.data, numpy.uint8).reshape(frame.height, frame.width, 4)
            self.pictures += 1
            middle = pixels[frame.height // 2, :, :3].tolist()
            self.left, self.right = (middle[frame.width * quarter // 4] for quarter in (1, 3))

    async def hear(self, track):
        clock = asyncio.get_running_loop().time
        begin = clock() + SETTLING
        async for event in rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1):
            if clock() > begin:
                pcm = numpy.frombuffer(event.frame.data, numpy.int16).astype(float) / 32768
                self.energy += float((pcm**2).sum()) / SAMPLE_RATE

    async def report(self):
        decoded, packets = {}, {}
        for track in self.tracks:
            for stat in await track.get_stats():
                if stat.WhichOneof("stats") == "inbound_rtp":
                    inbound = stat.inbound_rtp
                    kind = inbound.stream.kind
                    packets[kind] = packets.get(kind, 0) + inbound.received.packets_received
                    decoded[kind] = decoded.get(kind, 0) + inbound.inbound.frames_decoded
        return {
            "packets": packets,
            "decoded": decoded.get("video", 0),
            "pictures": self.pictures,
            "left": self.left,
            "right": self.right,
            "energy": self.energy,
            "states": self.states,
        }


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--encryption", default="off")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()

    room, received = rtc.Room(), Received()
    room.on("track_subscribed", lambda track, *_: received.take(track))
    room.on("e2ee_state_changed", lambda participant, state: received.states.append(rtc.EncryptionState.Name(state)))
    await room.connect(given.url, given.name, rtc.RoomOptions(encryption=options(given.encryption)))
    tasks = await publish(room) if given.publish else []
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.sleep(given.seconds)
    print(json.dumps(await received.report()), flush=True)
    for task in tasks + received.tasks:
        task.cancel()
    await room.disconnect()


asyncio.run(main())
