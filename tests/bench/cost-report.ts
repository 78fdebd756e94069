import { ASSUMED, type Charge } from "./bill.ts";
import { type CostLine, type CostReport, callsOf } from "./cost.ts";
import { DEFAULT } from "./cost-cases.ts";
import { PRICES } from "./prices.ts";
import { table } from "./table.ts";

/** The bytes that one write unit pays for. */
const UNIT_BYTES = 1024;

/** Prints what a task uses of AWS and what a million cost, by option, and how the first figure comes about. */
export function printCost({ lines, record, budget, times }: CostReport, print: (line: string) => void): void {
  const [first] = lines;
  if (first === undefined) return;
  const section = (title: string, rows: readonly string[]): void => {
    print("");
    print(title);
    for (const row of rows) print(`  ${row}`);
  };
  section(
    `Cost: units per task, and list price without Lambda; ${first.tasks} tasks, sent, received and deleted ${first.batch} at a time`,
    table([
      [
        "",
        "write units",
        "read units",
        "SQS requests",
        "S3 requests",
        "AWS calls",
        "CPU ms",
        "USD per million",
        "beside default",
      ],
      ...lines.map((line) => costRow(line, first)),
    ]),
  );
  section(
    "Time of a workflow's task beside a default one: sent, received, run and deleted in one lane, on the emulators; median of rounds",
    table([
      ["", "ms", "beside default", "from", "to"],
      ...times.map(({ name, milliseconds, beside }) => [
        name,
        milliseconds.toFixed(2),
        ...[beside.median, beside.least, beside.greatest].map((ratio) => `${ratio.toFixed(2)}×`),
      ]),
    ]),
  );
  section(`The ${DEFAULT} task, in USD for a million`, arithmetic(first, record));
  section("Lambda, not measured: the time is the tasks' own", lines.slice(0, 2).map(lambdaRow));
  const verdict = budget.every(({ holds }) => holds) ? "holds" : "EXCEEDED";
  section(
    `Budget of the ${DEFAULT} task, and of a member of a chord: ${verdict}`,
    table(
      budget.map(({ what, perTask, most, holds }) => {
        return [what, units(perTask), `at most ${most}`, holds ? "holds" : "EXCEEDED"];
      }),
    ),
  );
}

function costRow({ name, deliveries, usage, bill, ...line }: CostLine, first: CostLine): string[] {
  const requests = (usage.sqsRequest ?? 0) + (usage.sqsGroupRequest ?? 0);
  const objects = (usage.s3Put ?? 0) + (usage.s3Get ?? 0);
  const difference = bill.usd - first.bill.usd;
  const share = Math.round((difference / first.bill.usd) * 100);
  const sign = difference < 0 ? "−" : "+";
  return [
    deliveries > 1 ? `${name}: ${deliveries.toFixed(2)} deliveries` : name,
    units(usage.writeUnit ?? 0),
    units(usage.readUnit ?? 0),
    units(requests),
    objects === 0 ? "-" : units(objects),
    units(callsOf(line)),
    line.cpuMilliseconds.toFixed(2),
    bill.usd.toFixed(2),
    name === first.name ? "" : `${sign}${Math.abs(difference).toFixed(2)} (${sign}${Math.abs(share)} %)`,
  ];
}

function arithmetic({ bill, reads }: CostLine, record: Record<string, number>): string[] {
  const sizes = Object.entries(record).sort(([, a], [, b]) => b - a);
  const bytes = sizes.reduce((all, [, size]) => all + size, 0);
  const looks = Object.entries(reads).map(([kind, amount]) => `${units(amount)} of ${kind} items`);
  return [
    ...table([
      ...bill.charges.map((charge) => [...factors(charge), `$${charge.usd.toFixed(3)}`]),
      ["sum", "", "", "", `$${bill.usd.toFixed(3)}`],
    ]),
    `A write is one unit up to ${UNIT_BYTES.toLocaleString("en")} bytes. This record has ${bytes} at its largest, names included:`,
    ...wrap(sizes.map(([name, size]) => `${name} ${size}`)),
    `Reads: ${looks.length === 0 ? "none in this run" : looks.join(", ")}. A warm worker looks at the control item when its last look is 2 s old: one unit,`,
    "however many tasks it ran since, so 0.5 a second at most, and one per task only where a worker runs less than one in 2 s.",
  ];
}

function lambdaRow({ name, batch, lambda }: CostLine): string {
  const sums = lambda.charges.map((charge) => factors(charge).join(" "));
  const assumed = `${ASSUMED.millisecondsPerInvocation} ms at ${ASSUMED.gigabytes} GB on arm64 for a call with ${batch}`;
  return `${name}, if ${assumed}: ${sums.join(" + ").replaceAll(" =", "")} = $${lambda.usd.toFixed(3)}`;
}

/** `3.000 write units × $0.625 =`, in columns. */
function factors({ priced, amount }: Charge): string[] {
  const { unit, usdPerMillion } = PRICES[priced];
  return [`${units(amount)} ${unit}`, "×", price.format(usdPerMillion), "="];
}

const price = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumFractionDigits: 4 });

/** Three decimals, and more only for what would be nothing. */
function units(amount: number): string {
  return amount > 0 && amount < 0.001 ? amount.toPrecision(1) : amount.toFixed(3);
}

const LINE_CHARACTERS = 110;

function wrap(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length > LINE_CHARACTERS) lines.push(word);
    else lines[lines.length - 1] = `${line}, ${word}`;
  }
  return lines;
}
