import { describe, expect, it } from "vitest";
import { createDigester } from "../../../localstack/s3/digests.ts";

describe("createDigester", () => {
  // The check values of https://reveng.sourceforge.io/crc-catalogue/all.htm, which every implementation gives.
  it.each([
    ["crc32", "cbf43926"],
    ["crc32c", "e3069283"],
    ["crc64nvme", "ae8b14860a799888"],
    ["sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"],
  ])("gives %s of pieces as that of the whole", (algorithm, expected) => {
    const whole = createDigester(algorithm);
    const inPieces = createDigester(algorithm);

    whole?.update(Buffer.from("123456789"));
    for (const piece of ["1", "", "2345", "6789"]) inPieces?.update(Buffer.from(piece));

    const digests = [whole, inPieces].map((one) => Buffer.from(one?.base64() ?? "", "base64").toString("hex"));
    expect(digests).toEqual([expected, expected]);
  });

  it("knows no other", () => {
    expect(createDigester("md4")).toBeUndefined();
  });
});
