// 照纸勾选: jump to a number of the paper, the rest as present, and a running count. Without it the form works as it is.
(() => {
  "use strict";
  const form = document.getElementById("tick-form");
  if (!form) return;
  const number = document.getElementById("tick-number");
  const told = document.getElementById("tick-told");
  const tally = document.getElementById("tick-tally");
  const lines = [...form.querySelectorAll(".tick-line")];

  const chosen = (line) => line.querySelector("input:checked");
  const tell = (text) => { told.textContent = text; told.hidden = !text; };

  const count = () => {
    if (!tally) return;
    const found = { 到: 0, 请假: 0, 没来: 0 };
    let open = 0;
    lines.forEach((line) => {
      const input = chosen(line);
      if (input) found[input.parentElement.innerText.trim()] += 1;
      else open += 1;
    });
    tally.innerHTML = "";
    [["应到", lines.length], ["到", found.到], ["请假", found.请假], ["没来", found.没来], ["没勾", open]].forEach(([word, value]) => {
      const part = document.createElement("span");
      const figure = document.createElement("b");
      figure.textContent = value;
      part.append(`${word} `, figure);
      tally.append(part);
    });
  };

  const jump = () => {
    const line = lines.find((one) => one.dataset.number === String(Number(number.value)));
    form.querySelectorAll(".is-found").forEach((one) => one.classList.remove("is-found"));
    if (!line) return tell(number.value ? `名单上没有${number.value}号。` : "");
    tell("");
    line.classList.add("is-found");
    line.scrollIntoView({ block: "center" });
    (chosen(line) || line.querySelector("input")).focus({ preventScroll: true });
    number.value = "";
    return undefined;
  };

  number.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    jump();
  });
  number.addEventListener("change", jump);
  document.getElementById("tick-rest").addEventListener("click", () => {
    let set = 0;
    lines.forEach((line) => {
      if (chosen(line)) return;
      line.querySelector("input").checked = true;
      set += 1;
    });
    tell(set ? `${set}人记为到。` : "都已经勾过了。");
    count();
  });
  form.addEventListener("change", count);
  count();
})();
