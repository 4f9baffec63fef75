// The check page with script: drop a file, see the result in place. Without script the form does the same by itself.
"use strict";

const form = document.getElementById("check");
const input = document.getElementById("file");
const drop = document.getElementById("drop");
const statusLine = document.getElementById("status");
const button = document.getElementById("submit");
let busy = false;

// ``seen``: false for what the page itself shows already; a screen reader is told all the same.
function say(words, seen = true) {
  statusLine.classList.toggle("unseen", !seen);
  statusLine.textContent = words;
}

function acceptable(files) {
  if (files.length === 0) return "Chưa có tệp nào được chọn.";
  if (files.length > 1) return "Mỗi lần chỉ kiểm tra một tệp; hãy thả lại đúng một tệp.";
  const most = Number(form.dataset.maxBytes);
  if (files[0].size > most) return `Tệp vượt quá giới hạn ${Math.floor(most / 1e6)} MB.`;
  if (files[0].size === 0) return `Tệp “${files[0].name}” rỗng (0 byte).`;
  return "";
}

function setBusy(value) {
  busy = value;
  button.setAttribute("aria-disabled", String(value));
}

function offerPrinting() {
  const print = document.getElementById("print");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
}

function show(page) {
  const told = new DOMParser().parseFromString(page, "text/html");
  const result = told.getElementById("result");
  if (!result) throw new Error("no result");
  for (const one of result.querySelectorAll("[autofocus]")) one.removeAttribute("autofocus");
  document.getElementById("result").replaceWith(document.adoptNode(result));
  document.title = told.title;
  const verdict = document.getElementById("verdict");
  say(verdict ? verdict.dataset.words : "", false);
  if (verdict) verdict.focus();
  offerPrinting();
}

async function check() {
  const fault = acceptable(input.files);
  if (fault) {
    say(fault);
    input.focus();
    return;
  }
  setBusy(true);
  say(`Đang kiểm tra “${input.files[0].name}”…`);
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const told = await answer.text();
    if ((answer.headers.get("Content-Type") || "").includes("json")) say(JSON.parse(told).detail);
    else show(told);
  } catch {
    say("Không nhận được kết quả từ nút. Kiểm tra đường truyền rồi thử lại.");
  } finally {
    setBusy(false);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!busy) check();
});

// A file dropped beside the frame must not make the browser leave the page.
for (const kind of ["dragover", "drop"]) {
  window.addEventListener(kind, (event) => event.preventDefault());
}
drop.addEventListener("dragenter", () => drop.classList.add("over"));
drop.addEventListener("dragover", () => drop.classList.add("over"));
drop.addEventListener("dragleave", (event) => {
  if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
});
drop.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (busy) return;
  const files = event.dataTransfer.files;
  const fault = acceptable(files);
  if (fault) {
    say(fault);
    return;
  }
  input.files = files;
  check();
});

document.getElementById("drop-note").hidden = false;
offerPrinting();
