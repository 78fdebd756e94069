/** Reads a `multipart/form-data` upload as S3 does: the fields first, then one file, whose bytes are not held in memory. */
import { type ByteReader, UnexpectedEndError } from "./byte-reader.ts";
import { S3Error } from "./error.ts";

export interface UploadForm {
  /** By name in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  /** The browser's name for the file, without a path. */
  readonly filename: string;
  /** To be read to its end. */
  readonly content: AsyncIterable<Buffer>;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html */
const MAX_FIELDS_BYTES = 20 * 1024;

/** @throws S3Error if it is no such form, or has no file */
export async function readForm(body: ByteReader, contentType: string): Promise<UploadForm> {
  const [, quoted, bare] = /^multipart\/form-data;.*\bboundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) {
    throw new S3Error("PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data");
  }
  try {
    return await readParts(body, boundary);
  } catch (error) {
    throw error instanceof UnexpectedEndError ? malformed("the form ends too early") : error;
  }
}

async function readParts(body: ByteReader, boundary: string): Promise<UploadForm> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const fields = new Map<string, string>();
  let sizeBytes = 0;
  if ((await body.line()) !== `--${boundary}`) throw malformed("it does not begin with its boundary");
  for (;;) {
    const { name, filename } = await readDisposition(body);
    if (name === "file") return { fields, filename: filename.replace(/^.*[/\\]/, ""), content: body.until(delimiter) };
    const pieces: Buffer[] = [];
    for await (const piece of body.until(delimiter)) {
      sizeBytes += piece.length;
      if (sizeBytes > MAX_FIELDS_BYTES) {
        throw new S3Error(
          "MaxPostPreDataLengthExceeded",
          "Your POST request fields preceding the upload file were too large.",
        );
      }
      pieces.push(piece);
    }
    fields.set(name, Buffer.concat(pieces).toString("utf8"));
    if ((await body.line()) !== "") {
      throw new S3Error("InvalidArgument", "POST requires exactly one file upload per request.", {
        ArgumentName: "file",
        ArgumentValue: "0",
      });
    }
  }
}

/** The headers of one part, up to the empty line. */
async function readDisposition(body: ByteReader): Promise<{ name: string; filename: string }> {
  let disposition = "";
  for (let line = await body.line(); line !== ""; line = await body.line()) {
    if (/^content-disposition:/i.test(line)) disposition = line;
  }
  const name = parameterOf(disposition, "name");
  if (name === undefined) throw malformed("a part has no name");
  return { name: name.toLowerCase(), filename: parameterOf(disposition, "filename") ?? "" };
}

/** Browsers write a quote as %22 and line breaks as %0D%0A. https://html.spec.whatwg.org/#multipart-form-data */
function parameterOf(disposition: string, name: string): string | undefined {
  const [, value] = new RegExp(`;\\s*${name}="([^"]*)"`, "i").exec(disposition) ?? [];
  return value?.replaceAll("%22", '"').replaceAll("%0D", "\r").replaceAll("%0A", "\n");
}

function malformed(reason: string): S3Error {
  return new S3Error(
    "MalformedPOSTRequest",
    `The body of your POST request is not well-formed multipart/form-data: ${reason}.`,
  );
}
