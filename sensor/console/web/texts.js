// The texts of one language; another is another catalogue with the same keys. What is put in may be from the wire.
import { visible } from "./dom.js";
import catalogue from "./texts.en.js";

export function t(key, ...words) {
  const text = catalogue[key];
  if (text === undefined) throw new Error(`no text: ${key}`);
  return text.replace(/\{(\d)\}/g, (_, number) => visible(words[number]));
}

// What the sensor names in words of its own: by the catalogue where it has it, else as it was said.
t.or = (key, text) => catalogue[key] ?? visible(text);
