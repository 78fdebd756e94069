/** The calls about files. */

import { BODY_REFUSALS, type Call } from "./call.ts";
import { id, wait } from "./parameters.ts";
import { ref } from "./schemas.ts";

export const UPLOAD_CALLS = {
  createUpload: {
    route: "POST /uploads",
    function: "submit",
    summary: "Ask for an upload form",
    body: { schema: ref("UploadRequest"), required: true },
    status: 201,
    answer: ref("Upload"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 503],
  },
  createMultipartUpload: {
    route: "POST /uploads/multipart",
    function: "submit",
    summary: "Ask for an upload in parts",
    body: { schema: ref("MultipartUploadRequest"), required: true },
    status: 201,
    answer: ref("UploadParts"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 503],
  },
  listMissingParts: {
    route: "POST /uploads/{id}/parts",
    function: "submit",
    summary: "Ask for links to the next parts that are missing; none: all are there",
    parameters: [id],
    status: 200,
    answer: ref("UploadParts"),
    refusals: [404, 409, 410],
  },
  completeMultipartUpload: {
    route: "POST /uploads/{id}/complete",
    function: "submit",
    summary: "Make a file of its parts; again it does no more",
    parameters: [id],
    status: 202,
    answer: ref("Accepted"),
    location: true,
    refusals: [404, 409, 410, 503],
  },
  giveUpUpload: {
    route: "DELETE /uploads/{id}",
    function: "submit",
    summary: "Give up an upload whose file has not come: its parts are removed, and its task is revoked",
    parameters: [id],
    status: 202,
    answer: ref("Accepted"),
    location: true,
    refusals: [404, 409],
  },
  renewUpload: {
    route: "POST /uploads/{id}",
    function: "submit",
    summary: "Ask for another form of an upload whose file has not come",
    parameters: [id],
    body: { schema: ref("UploadRequest"), required: true },
    status: 201,
    answer: ref("Upload"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 409],
  },
  readUpload: {
    route: "GET /uploads/{id}",
    function: "read",
    summary: "Read an upload's task, and links to what it made",
    parameters: [id, wait],
    status: 200,
    answer: ref("UploadedTask"),
    refusals: [404, 422],
  },
} satisfies Record<string, Call>;
