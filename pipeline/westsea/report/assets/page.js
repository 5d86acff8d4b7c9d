"use strict";
/* What every script uses: the data, how an element is found and made, what a pair is called. */
const data = JSON.parse(document.getElementById("data").textContent);
const pairs = data.pairs;
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const $ = (id) => document.getElementById(id);

/* Everything that comes from the tables becomes text or an attribute, never markup. */
const make = (tag, options, ...children) => {
  const svg = ["svg", "path", "g", "line", "text", "circle", "rect", "title"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(options || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
};

const kindClass = (pair) => (pair.kind === "alongside" ? "kind-alongside" : "kind-close");
const gapText = (pair) => (pair.gap === null ? "gap not resolved" : `gap ${Math.max(0, Math.round(pair.gap))} m`);

/* News for whoever asked: what holds a state need not know who shows it. */
const signal = () => {
  const callbacks = [];
  return {
    connect: (callback) => { callbacks.push(callback); },
    emit: (...news) => { for (const callback of callbacks) callback(...news); },
  };
};

document.body.classList.add("on");
