// Sets the chosen theme before anything is painted; src/state/theme.ts keeps it after that.
(function () {
  try {
    var theme = JSON.parse(localStorage.getItem("switchboard.theme"));
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // No storage, or something else in it: the system's theme.
  }
})();
