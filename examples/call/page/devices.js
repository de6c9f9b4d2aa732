// Camera and microphone, with an explanation for people if one is missing.

const WANTED = { audio: true, video: { width: 640, height: 360, frameRate: 30 } };

/** Opens both, or the one that is available, or neither. */
export async function openDevices() {
  const { audio, video } = WANTED;
  let reason;
  for (const wanted of [WANTED, { audio }, { video }]) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia(wanted);
      return { stream, message: missing(stream, reason) };
    } catch (error) {
      reason ??= error;
    }
  }
  return { stream: undefined, message: missing(undefined, reason) };
}

function missing(stream, reason) {
  const lacking = [
    stream?.getAudioTracks().length ? undefined : 'microphone',
    stream?.getVideoTracks().length ? undefined : 'camera',
  ].filter((device) => device !== undefined);
  if (lacking.length === 0) return undefined;
  const devices = lacking.join(' or ');
  const left = `Until then you can only ${rest(lacking)}.`;
  switch (reason?.name) {
    case 'NotAllowedError':
      return `This page may not use your ${devices}. Allow it in the address bar and reload. ${left}`;
    case 'NotReadableError':
      return `Your ${devices} cannot be read; another program may be using it. Close that and reload. ${left}`;
    default:
      return `No ${devices} was found. Connect one and reload. ${left}`;
  }
}

function rest(lacking) {
  if (lacking.length === 2) return 'watch and listen';
  return lacking[0] === 'camera' ? 'speak, watch and listen' : 'be seen, watch and listen';
}
