// The module for other systems' formats inside a worker that is one script: it is there before the
// worker's first event.

import { FrameRoom, LinearMemory } from './frame-memory.js';
import { hasVectors } from '../loader/browser.js';
import { Region, initSync } from '../../../build/sealframe_profiles.js';
import bytes from '../../../build/sealframe_profiles_bg.wasm';

if (!hasVectors()) throw new Error('sealframe: this browser has no 128-bit vectors (before 2023)');

/** The module's memory. */
export const memory = new LinearMemory(initSync({ module: bytes }).memory);
/** What the module's functions take for the place of a frame. */
export const region = new Region();
/** Where frames are worked on. */
export const room = new FrameRoom(memory, region);
