"use strict";
/* Which pairs pass the filters, and which of them is looked at. */
const selection = (() => {
  let shown = pairs;
  let isShown = new Set(shown);
  let selected = null;
  const narrowed = signal();
  const moved = signal();

  function select(pair) {
    const before = selected;
    selected = pair;
    moved.emit(pair, before);
  }

  function step(by) {
    if (!shown.length) return;
    const at = shown.indexOf(selected);
    select(shown[Math.min(Math.max(at + by, 0), shown.length - 1)]);
  }

  function narrow(to) {
    shown = to;
    isShown = new Set(shown);
    narrowed.emit();
    if (selected && !isShown.has(selected) && shown.length) select(shown[0]);
  }

  return {
    get shown() { return shown; },
    get pair() { return selected; },
    shows: (pair) => isShown.has(pair),
    isAtEnd: () => shown.indexOf(selected) === shown.length - 1,
    select, step, narrow, onNarrow: narrowed.connect, onMove: moved.connect,
  };
})();
