// Methods of one object of the browser's, in another form.

/** Any method, as far as it is wrapped here. */
export type Method = (...args: never[]) => unknown;

/**
 * Puts another function in the place of a method of this object alone. `make` gets the method as it
 * was. A method that the object does not have is not added.
 */
export function replaceMethod<F extends Method>(object: object, name: string, make: (original: F) => Method): void {
  const method = (object as Readonly<Record<string, unknown>>)[name];
  if (typeof method !== 'function') return;
  const original = method.bind(object) as F;
  // Like the browser's own methods: code that wraps a connection goes on doing so.
  Object.defineProperty(object, name, { value: make(original), configurable: true, enumerable: false, writable: true });
}

/**
 * An RTCPeerConnection's methods have two forms: one gives a promise, and an old one takes two
 * functions in the places from `at` on. For both of them, `work` does the work and gives a promise.
 */
export function inBothForms<A extends unknown[]>(at: number, work: (...args: A) => Promise<unknown>): (...args: A) => Promise<unknown> {
  return (...args) => {
    if (typeof args[at] !== 'function') return work(...args);
    const [resolve, reject] = args.splice(at, 2) as [(value: unknown) => void, (error: unknown) => void];
    return work(...args).then(resolve, reject).then(() => {});
  };
}
