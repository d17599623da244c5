const said = (name) => document.querySelector(`meta[name="${name}"]`).content;
const rows = document.getElementById("rows");
const count = document.querySelector(".count");
let tag = `"${said("version")}"`;

async function look() {
  try {
    const answer = await fetch(`/rows?current=${said("current")}`, { cache: "no-store", headers: { "If-None-Match": tag } });
    document.body.classList.remove("gone");
    if (answer.status === 200) {
      tag = answer.headers.get("ETag");
      show(await answer.text());
    }
  } catch {
    document.body.classList.add("gone");
  }
  setTimeout(look, 1000);
}

function show(html) {
  const focused = rows.contains(document.activeElement) && document.activeElement.getAttribute("href");
  rows.innerHTML = html;
  count.textContent = rows.children.length;
  document.title = `Inbox (${rows.children.length})`;
  if (focused) rows.querySelector(`a[href="${focused}"]`)?.focus();
  // The first mail takes the place of "No mail yet".
  if (!document.querySelector(".letter") && rows.children.length) location.reload();
}

setTimeout(look, 1000);