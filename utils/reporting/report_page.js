"use strict";

for (const form of document.querySelectorAll(".filters")) {
  const cards = [...form.nextElementSibling.children];
  const selects = [...form.querySelectorAll("select")];
  const apply = () => {
    let shown = 0;
    for (const card of cards) {
      card.hidden = !selects.every(
        (select) => select.value === "" || card.dataset[select.dataset.filter].split(" ").includes(select.value),
      );
      shown += card.hidden ? 0 : 1;
    }
    form.querySelector("output").textContent = `${shown} of ${cards.length} shown`;
  };
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = selects.length === 0;
  apply(); // after "back" a browser keeps what was chosen
}

const root = document.documentElement;
const toggle = document.getElementById("theme");
const isDark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const tell = () => {
  toggle.textContent = isDark() ? "Light" : "Dark";
};
toggle.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  tell();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
toggle.hidden = false;
tell();
