// The texts of one language; another is another catalogue with the same keys. What is put in may be from the wire.
import { visible } from "./dom.js";
import catalogue from "./texts.en.js";

// A word from the wire is no key because every object has it (constructor, …).
const own = key => (Object.hasOwn(catalogue, key) ? catalogue[key] : undefined);

export function t(key, ...words) {
  const text = own(key);
  if (text === undefined) throw new Error(`no text: ${key}`);
  return text.replace(/\{(\d)\}/g, (_, number) => visible(words[number]));
}

// What the sensor names in words of its own: by the catalogue where it has it, else as it was said.
t.or = (key, text) => own(key) ?? visible(text);
