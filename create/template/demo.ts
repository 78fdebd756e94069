/** `npm run demo`: a task from its call to its result, on the engine with a cloud in memory. */

import { testApp } from "lovage/testing";
import { add } from "./handlers/tasks/math.ts";

const app = await testApp({ tasks: { add } });
const result = await add.delay({ x: 4, y: 6 });
console.log(`add.delay({ x: 4, y: 6 }) has sent task ${result.id}.`);
await app.drain();
console.log(`A worker has run it. Its result is ${await result.get()}.`);
