// The system's browsers, headless, with a fake camera and a microphone that beeps.

import { access } from 'node:fs/promises';

import puppeteer from 'puppeteer-core';

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  // Host candidates on loopback, and tabs that work in the background.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // No connections to the outside.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

const FIREFOX_PREFS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
};

const VIEWPORT = { width: 1280, height: 1000 };

export const CHROMIUM = process.env.SEALFRAME_CHROMIUM ?? '/usr/bin/chromium';
export const FIREFOX = process.env.SEALFRAME_FIREFOX ?? '/usr/bin/firefox-esr';

/** Starts Chromium with a camera of `fps` pictures a second. */
export function launchChromium({ headless = true, fps = 20 } = {}) {
  return puppeteer.launch({
    executablePath: CHROMIUM,
    headless,
    args: [...CHROMIUM_FLAGS, `--use-fake-device-for-media-stream=fps=${fps}`],
    defaultViewport: VIEWPORT,
    protocolTimeout: 120_000,
  });
}

/** Starts Firefox with a camera of `fps` pictures a second. */
export function launchFirefox({ fps = 30 } = {}) {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    extraPrefsFirefox: { ...FIREFOX_PREFS, 'media.navigator.video.default_fps': fps },
    defaultViewport: VIEWPORT,
    protocolTimeout: 120_000,
  });
}

/** Whether a program is installed. */
export async function isInstalled(path) {
  return access(path).then(() => true, () => false);
}
