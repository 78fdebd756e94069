/** Bodies of the calls about files as JSON Schema. */

import { body, count, type Document, list, object, text, texts, time, uuid } from "./schema-parts.ts";

const names = {
  filename: { type: "string", minLength: 1, maxLength: 255 },
  contentType: { type: "string", pattern: "^[\\w.+-]+/[\\w.+-]+", examples: ["text/csv"] },
};

export const uploads = {
  UploadRequest: body(names, { size: { type: "integer", minimum: 0 } }),
  MultipartUploadRequest: body({ ...names, size: { type: "integer", minimum: 1 } }),
  Upload: object({
    id: uuid,
    upload: {
      ...object({ method: { const: "POST" }, url: text, fields: texts }),
      description: "Send `fields` and then the file, as the field `file`, in multipart/form-data to `url`.",
    },
    expiresAt: time,
    maxBytes: { ...count, description: "S3 refuses a larger file." },
  }),
  UploadParts: object({
    id: uuid,
    sizeBytes: count,
    sentBytes: { ...count, description: "Of the parts that are there." },
    parts: {
      ...list(object({ number: { type: "integer", minimum: 1 }, start: count, end: count, url: text })),
      description:
        "The next that are missing, at most 20: PUT the bytes from `start`, up to and without `end`, to `url`. None: all are there.",
    },
    expiresAt: { ...time, description: "Of the links." },
  }),
} satisfies Record<string, Document>;
