// Before the first paint: which theme and which language. The address wins, then what was chosen here, then the system.
(() => {
  const asked = new URLSearchParams(location.search);
  const kept = (name) => {
    try {
      return localStorage.getItem(`hotline.${name}`);
    } catch {
      return null; // storage is switched off: the system's choice holds
    }
  };
  const one = (value, ...allowed) => (allowed.includes(value) ? value : null);
  const light = matchMedia("(prefers-color-scheme: light)").matches;
  const chinese = (navigator.language || "").toLowerCase().startsWith("zh");
  const theme = one(asked.get("theme"), "dark", "light") ?? one(kept("theme"), "dark", "light") ?? (light ? "light" : "dark");
  const lang = one(asked.get("lang"), "en", "zh") ?? one(kept("lang"), "en", "zh") ?? (chinese ? "zh" : "en");
  document.documentElement.dataset.theme = theme;
  document.documentElement.dataset.view = one(asked.get("view"), "tv") ?? "desk";
  document.documentElement.lang = lang === "zh" ? "zh-Hans" : "en";
})();
