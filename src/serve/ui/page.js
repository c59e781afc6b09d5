// The page of an application: asks /api/v1 every two seconds and shows what it says. Nothing is kept here.
"use strict";

const EVERY_MS = 2000;

// ---- texts

const bytes = (n) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i + 1 < units.length; i++) n /= 1024;
  return `${i ? n.toFixed(1) : n} ${units[i]}`;
};
const millis = (ms) => (ms < 1000 ? `${ms} ms` : ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60000).toFixed(1)} min`);
const when = (text) => (text ? new Date(text.replace("GMT", "Z")) : null);
const clock = (text) => (text ? when(text).toLocaleString() : "");
const took = (row) => (row.submissionTime ? millis((row.completionTime ? when(row.completionTime) : new Date()) - when(row.submissionTime)) : "");

// ---- elements: texts become text nodes, never markup

const element = (tag, content, attributes = {}) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const item of [content].flat()) made.append(item ?? "");
  return made;
};
const progress = (done, all) => [element("progress", "", { value: done, max: Math.max(all, 1) }), ` ${done} / ${all}`];
// columns: [head, row => content, is a number]
const table = (rows, columns) => {
  if (!rows.length) return element("p", "None.", { class: "quiet" });
  const kind = (number) => (number ? { class: "number" } : {});
  const head = element("tr", columns.map(([name, , number]) => element("th", name, kind(number))));
  const body = rows.map((row) => element("tr", columns.map(([, show, number]) => element("td", show(row), kind(number)))));
  return element("table", [element("thead", head), element("tbody", body)]);
};
const status = (row) => element("span", row.status, { class: row.status });
const section = (title, content) => [element("h2", title), content];

// ---- pages: what each asks for and how it shows it

const jobs = [
  ["Job", (r) => String(r.jobId), true],
  ["Name", (r) => r.description ?? r.name],
  ["Group", (r) => r.jobGroup],
  ["Submitted", (r) => clock(r.submissionTime)],
  ["Duration", took, true],
  ["Stages", (r) => r.stageIds.join(", ")],
  ["Tasks", (r) => progress(r.numCompletedTasks, r.numTasks - r.numSkippedTasks)],
  ["Failed tasks", (r) => String(r.numFailedTasks), true],
  ["Status", status],
];
const stages = [
  ["Stage", (r) => String(r.stageId), true],
  ["Name", (r) => r.name],
  ["Attempt", (r) => String(r.attemptId), true],
  ["Submitted", (r) => clock(r.submissionTime)],
  ["Duration", took, true],
  ["Tasks", (r) => progress(r.numCompleteTasks, r.numTasks)],
  ["Failed tasks", (r) => String(r.numFailedTasks), true],
  ["Status", status],
];
const queries = [
  ["Query", (r) => String(r.id), true],
  ["Description", (r) => r.description],
  ["Submitted", (r) => clock(r.submissionTime)],
  ["Duration", (r) => millis(r.duration), true],
  ["Rows", (r) => r.rows.toLocaleString(), true],
  ["Status", status],
];
const stored = [
  ["RDD", (r) => String(r.id), true],
  ["Name", (r) => r.name],
  ["Storage level", (r) => r.storageLevel],
  ["Cached partitions", (r) => progress(r.numCachedPartitions, r.numPartitions)],
  ["Memory", (r) => bytes(r.memoryUsed), true],
  ["Disk", (r) => bytes(r.diskUsed), true],
];
const executors = [
  ["Executor", (r) => r.id],
  ["Cores", (r) => String(r.totalCores), true],
  ["Active tasks", (r) => String(r.activeTasks), true],
  ["Completed tasks", (r) => String(r.completedTasks), true],
  ["Failed tasks", (r) => String(r.failedTasks), true],
  ["Cached", (r) => bytes(r.memoryUsed), true],
  ["Most", (r) => (r.maxMemory < 2 ** 60 ? bytes(r.maxMemory) : "no limit"), true],
];
const settings = [
  ["Property", ([key]) => key],
  ["Value", ([, value]) => value],
];
const of = (rows, ...names) => rows.filter((row) => names.includes(row.status));
const PAGES = {
  jobs: ["Jobs", "jobs", (rows) => [
    section("Running", table(of(rows, "RUNNING"), jobs)),
    section("Completed", table(of(rows, "SUCCEEDED"), jobs)),
    section("Failed", table(of(rows, "FAILED"), jobs))]],
  stages: ["Stages", "stages", (rows) => [
    section("Active and pending", table(of(rows, "ACTIVE", "PENDING"), stages)),
    section("Completed", table(of(rows, "COMPLETE"), stages)),
    section("Skipped", table(of(rows, "SKIPPED"), stages)),
    section("Failed", table(of(rows, "FAILED"), stages))]],
  SQL: ["SQL / DataFrame", "sql", (rows) => [section("Queries", table([...rows].reverse(), queries))]],
  storage: ["Storage", "storage/rdd", (rows) => [section("Cached RDDs", table(rows, stored))]],
  executors: ["Executors", "executors", (rows) => [section("Executors", table(rows, executors))]],
  environment: ["Environment", "environment", (seen) => [section("Settings", table(seen.sparkProperties, settings))]],
};

// ---- asking

const ask = async (path) => {
  const answer = await fetch(`/api/v1/${path}`);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json();
};
const here = location.pathname.split("/")[1] || "jobs";
const show = async () => {
  const [, part, draw] = PAGES[here];
  try {
    const [app] = await ask("applications");
    const seen = await ask(`applications/${app.id}/${part}`);
    document.title = `${app.name} - Vonk`;
    document.getElementById("app").textContent = `${app.name} (${app.id}), up ${millis(app.attempts[0].duration)}`;
    document.getElementById("main").replaceChildren(...draw(seen).flat());
  } catch (error) {
    document.getElementById("app").textContent = `no answer: ${error.message}`; // the last tables stay
  }
  setTimeout(show, EVERY_MS);
};
const tab = ([name, [title]]) => element("a", title, { href: `/${name}/`, ...(name === here ? { "aria-current": "page" } : {}) });
document.getElementById("nav").append(...Object.entries(PAGES).map(tab));
show();
