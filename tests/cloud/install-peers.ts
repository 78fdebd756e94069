/**
 * Installs the other clouds of the tests, and the suites of others:
 * `node tests/cloud/install-peers.ts [moto] [localstack] [dynamodb-local] [suites] [celery] [bullmq]`, all when none is named.
 * Celery and BullMQ are for `npm run bench`, Celery also for the canvases that it runs beside Lovage.
 *
 * Needs Python (3.10 for moto and the suites, 3.12 for LocalStack) and, for DynamoDB Local, also inside LocalStack, a JDK 17 and Maven. Everything comes
 * from the package registries that pip and mvn are set up for, and lands in `.lovage/peers/`; what is there already stays.
 */

import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { installations, isInstalled, markerFile, type PeerName } from "./peers.ts";

const execute = promisify(execFile);

/** Something that this machine lacks, in a sentence for whoever runs the installer. */
class CannotInstallError extends Error {}

async function install(name: PeerName): Promise<void> {
  const { folder, pins } = installations[name];
  if (isInstalled(name)) {
    say(name, "already installed.");
    return;
  }
  const began = Date.now();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (name === "localstack" || name === "dynamodb-local") await checkJava(name);
  if (name === "bullmq") await installBullMQ();
  else if (name !== "dynamodb-local") await installPython(name, name === "localstack" ? 12 : 10);
  if (name === "localstack" || name === "dynamodb-local") await installDynamoDBLocal(name);
  if (name === "suites") await unpackTests();
  writeFileSync(join(folder, markerFile), JSON.stringify(pins));
  say(name, `installed in ${seconds(began)}.`);
}

async function installPython(name: "moto" | "localstack" | "suites" | "celery", minorAtLeast: number): Promise<void> {
  const { folder, pins } = installations[name];
  const { command, version } = await findPython(minorAtLeast);
  const environment = join(folder, "venv");
  say(name, `making a virtual environment with Python ${version} ...`);
  await run(command, ["-m", "venv", environment], "Debian and Ubuntu keep this module in the package python3-venv.");
  const python = join(environment, "bin/python");
  const pip = ["-m", "pip", "--quiet", "--disable-pip-version-check", "install"];
  await run(python, [...pip, `pip==${pins.pip}`]);
  say(name, `installing ${pins.packages.join(", ")} as of ${pins.uploadedBefore} ...`);
  // Compiling every module would take most of the time; Python compiles those it uses at their first start.
  await run(python, [...pip, "--no-compile", `--uploaded-prior-to=${pins.uploadedBefore}`, ...pins.packages]);
}

async function installBullMQ(): Promise<void> {
  const { folder, pins } = installations.bullmq;
  await execute("redis-server", ["--version"]).catch(() => {
    throw new CannotInstallError(
      "BullMQ needs redis-server on the path; Debian and Ubuntu keep it in the package redis-server.",
    );
  });
  say("bullmq", `installing ${pins.packages.join(", ")} ...`);
  writeFileSync(join(folder, "package.json"), "{}");
  await run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", ...pins.packages]);
}

/** moto's tests are in its source package only, which pip unpacks nowhere but in a build. */
async function unpackTests(): Promise<void> {
  const { folder, pins } = installations.suites;
  const python = join(folder, "venv/bin/python");
  const source = join(folder, "source");
  say("suites", `fetching the source package of ${pins.source} ...`);
  const pip = ["-m", "pip", "--quiet", "--disable-pip-version-check", "download"];
  await run(python, [...pip, "--no-deps", "--no-binary=:all:", `--dest=${source}`, pins.source]);
  const name = pins.source.replace("==", "-");
  await run("tar", ["-xzf", join(source, `${name}.tar.gz`), "-C", folder, "--strip-components=1", `${name}/tests`]);
  rmSync(source, { recursive: true });
}

/** The newest fitting Python that we know to work, on the path or among pyenv's. */
async function findPython(minorAtLeast: number): Promise<{ command: string; version: string }> {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  const ofPyenv = existsSync(pyenv) ? readdirSync(pyenv).map((version) => join(pyenv, version, "bin/python3")) : [];
  const commands = ["python3.13", "python3.12", "python3", "python", ...ofPyenv.sort().reverse(), "python3.14"];
  for (const command of commands) {
    const version = await execute(command, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
      .then(({ stdout }) => stdout.trim())
      .catch(() => "");
    const [major, minor] = version.split(".").map(Number);
    if (major === 3 && minor !== undefined && minor >= minorAtLeast) return { command, version };
  }
  throw new CannotInstallError(`Python 3.${minorAtLeast} or newer is needed, on the path as python3 or in pyenv.`);
}

/**
 * DynamoDB Local as LocalStack would have downloaded it, from Maven instead: `DynamoDBLocal.jar` beside its libraries,
 * an agent, and a Java.
 */
async function installDynamoDBLocal(name: "localstack" | "dynamodb-local"): Promise<void> {
  const { folder, pins } = installations[name];
  const home = name === "localstack" ? join(folder, "lib/dynamodb-local/2") : folder;
  const libraries = join(home, "DynamoDBLocal_lib");
  mkdirSync(libraries, { recursive: true });
  say(name, `fetching DynamoDB Local ${pins.dynamodbLocal} with Maven ...`);
  writeFileSync(join(home, "pom.xml"), pom(pins.dynamodbLocal));
  const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
  await run("mvn", ["-q", "-B", "-f", join(home, "pom.xml"), copy, `-DoutputDirectory=${libraries}`]);

  const classes = join(home, "classes");
  const source = join(home, "LoopbackDynamoDB.java");
  writeFileSync(source, loopbackSource);
  await run("javac", ["-cp", join(libraries, "*"), "-d", classes, source]);
  const classPath = readdirSync(libraries)
    .filter((file) => file.endsWith(".jar"))
    .map((file) => `DynamoDBLocal_lib/${file}`)
    .join(" ");
  const manifest = join(home, "manifest.txt");
  const lines = [
    "Main-Class: LoopbackDynamoDB",
    "Premain-Class: LoopbackDynamoDB",
    // A line of a manifest holds 72 bytes; a space continues it.
    `Class-Path: ${classPath}`.replace(/.{70}/g, "$&\n "),
  ];
  writeFileSync(manifest, `${lines.join("\n")}\n`);
  const jar = join(home, "DynamoDBLocal.jar");
  await run("jar", ["--create", "--file", jar, "--manifest", manifest, "-C", classes, "."]);
  // LocalStack passes this name as -javaagent: its own raises the limit of indexes, ours does nothing.
  cpSync(jar, join(home, "ddb-local-loader-0.1.jar"));
}

const pom = (version: string) => `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>lovage</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.amazonaws</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>${version}</version>
    </dependency>
    <dependency>
      <groupId>io.github.ganadist.sqlite4java</groupId>
      <artifactId>libsqlite4java-osx-aarch64</artifactId>
      <version>1.0.392</version>
      <type>dylib</type>
    </dependency>
  </dependencies>
</project>
`;

/** DynamoDB Local listens on every interface and outlives a killed LocalStack; this way in changes both. */
const loopbackSource = `
import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import java.lang.instrument.Instrumentation;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

public final class LoopbackDynamoDB {
  public static void premain(String options, Instrumentation instrumentation) {}

  public static void main(String[] options) throws Exception {
    endWith(ProcessHandle.current().parent());
    DynamoDBProxyServer proxy = ServerRunner.createServerFromCommandLineArgs(options);
    var field = DynamoDBProxyServer.class.getDeclaredField("server");
    field.setAccessible(true);
    for (Connector connector : ((Server) field.get(proxy)).getConnectors()) {
      ((ServerConnector) connector).setHost("127.0.0.1");
    }
    proxy.start();
    proxy.join();
  }

  /** A process that loses its parent is given another one at once, though the dead one may linger as a zombie. */
  private static void endWith(Optional<ProcessHandle> parent) {
    Thread watch = new Thread(() -> {
      while (ProcessHandle.current().parent().equals(parent)) {
        LockSupport.parkNanos(100_000_000);
      }
      Runtime.getRuntime().halt(0);
    });
    watch.setDaemon(true);
    watch.start();
  }
}
`;

/** Checks the JDK and Maven before the long part, and shows LocalStack the Java that it would have downloaded. */
async function checkJava(name: "localstack" | "dynamodb-local"): Promise<void> {
  const needs = "DynamoDB Local needs a JDK 17 or newer and Maven on the path (java, javac, jar, mvn)";
  for (const command of ["javac", "jar", "mvn"]) {
    await execute(command, ["--version"]).catch(() => {
      throw new CannotInstallError(`${needs}: ${command} does not run.`);
    });
  }
  const { stderr } = await execute("java", ["-XshowSettings:properties", "-version"]).catch(() => {
    throw new CannotInstallError(`${needs}: java does not run.`);
  });
  const home = /java\.home = (.+)/.exec(stderr)?.[1];
  const version = Number(/java\.specification\.version = (\d+)/.exec(stderr)?.[1]);
  if (home === undefined || !(version >= 17))
    throw new CannotInstallError(`${needs}: this java is version ${version}.`);
  if (name !== "localstack") return;
  const javas = join(installations.localstack.folder, "lib/java");
  mkdirSync(javas, { recursive: true });
  symlinkSync(home, join(javas, "21"));
}

async function run(command: string, options: readonly string[], hint = ""): Promise<void> {
  try {
    await execute(command, options, { maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const output = error instanceof Error && "stderr" in error ? `${error.stderr}`.trim().split("\n").slice(-15) : [];
    throw new CannotInstallError(
      [`This failed: ${command} ${options.join(" ")}`, ...output, hint].join("\n").trimEnd(),
    );
  }
}

function say(name: PeerName, sentence: string): void {
  console.log(`${name}: ${sentence}`);
}

function seconds(since: number): string {
  return `${Math.round((Date.now() - since) / 1000)} s`;
}

async function main(names: readonly string[]): Promise<void> {
  const began = Date.now();
  const known = [
    "moto",
    "localstack",
    "dynamodb-local",
    "suites",
    "celery",
    "bullmq",
  ] as const satisfies readonly PeerName[];
  const unknown = names.filter((name) => !known.some((peer) => peer === name));
  if (unknown.length > 0) throw new CannotInstallError(`Unknown: ${unknown.join(", ")}. Known: ${known.join(", ")}.`);
  const wanted = known.filter((peer) => names.length === 0 || names.includes(peer));
  const outcomes = await Promise.allSettled(wanted.map(install));
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === "fulfilled") continue;
    if (!(outcome.reason instanceof CannotInstallError)) throw outcome.reason;
    console.error(`${wanted[index]}: not installed. ${outcome.reason.message}`);
    process.exitCode = 1;
  }
  console.log(`Total: ${seconds(began)}.`);
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof CannotInstallError ? error.message : error);
  process.exitCode = 1;
});
