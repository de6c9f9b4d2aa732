// Methods of one object of the browser's, in another form.

/**
 * Puts another function in the place of a method of this object alone. `make` gets the method as it was. What the object has
 * not got, it does not get.
 */
export function replaceMethod(object, name, make) {
  if (typeof object[name] !== 'function') return;
  const original = object[name].bind(object);
  // As the browser's own: whoever wraps a connection goes on doing so.
  Object.defineProperty(object, name, { value: make(original), configurable: true, enumerable: false, writable: true });
}

/**
 * An RTCPeerConnection's methods have two forms: one gives a promise, and an old one takes two functions in the places from
 * `at` on. For both of them, `work` does the work and gives a promise.
 */
export function inBothForms(at, work) {
  return (...args) => {
    if (typeof args[at] !== 'function') return work(...args);
    const [resolve, reject] = args.splice(at, 2);
    return work(...args).then(resolve, reject).then(() => {});
  };
}
