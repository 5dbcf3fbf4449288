#!/usr/bin/env node
/** Program of the npm package, whose client also runs on older versions of Node: says so instead of failing to load. */
const MIN_NODE = 26;

const [major] = process.versions.node.split(".");
if (Number(major) < MIN_NODE) {
  process.stderr.write(
    `error: infobip-rpc needs Node ${MIN_NODE} or newer, this is ${process.version}; only its client runs on older ones\n`,
  );
  process.exitCode = 2;
} else {
  const program = "./infobip-rpc.mjs";
  await import(program);
}
