// Runs before the first paint, so that a remembered theme does not flash the other one.
(() => {
  try {
    const theme = localStorage.getItem('musecast.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is blocked: the system's colours are used.
  }
})();
