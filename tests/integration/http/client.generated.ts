// @ts-nocheck
/**
 * Lovage
 * 1
 * DO NOT MODIFY - This file has been generated using oazapfts.
 * See https://www.npmjs.com/package/oazapfts
 */
import * as Oazapfts from "@oazapfts/runtime";
import * as QS from "@oazapfts/runtime/query";
export const defaults: Oazapfts.Defaults<Oazapfts.CustomHeaders> = {
    headers: {},
    baseUrl: "http://127.0.0.1:3000"
};
const oazapfts = Oazapfts.runtime(defaults);
export const servers = {
    server1: "http://127.0.0.1:3000"
};
export type PayloadAdd = {
    x: number;
    y: number;
};
export type Options = {
    countdown?: number;
    eta?: string;
    expires?: number | string;
    queue?: string;
    idempotencyKey?: string;
    idempotencyExpires?: number;
    debounce?: {
        key: string;
        wait: number;
        maxWait?: number;
    };
    throttle?: {
        key: string;
        period: number;
    };
    tags?: string[];
    headers?: {
        [key: string]: string;
    };
    messageGroupId?: string;
    timeLimit?: number;
    softTimeLimit?: number;
    ignoreResult?: boolean;
};
export type Accepted = {
    id: string;
    task: string;
    state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
    replayOf?: string;
};
export type Problem = {
    "type": string;
    title: string;
    status: number;
    detail: string;
    code: string;
    id?: string;
    issues?: {
        message: string;
        path: string[];
    }[];
};
export type PayloadTick = null | object;
export type Schema0 = string | number | boolean | null | Schema0[] | {
    [key: string]: Schema0;
};
export type PayloadOutline = {
    tree: Schema0;
};
export type PayloadFails = {
    text?: string;
};
export type Index = {
    service: "lovage";
    tasks: string[];
    contract: string;
    versions?: {
        task: string;
        /** The version of the payload that is sent: by default the newest that its task has. */
        oldest: number;
        /** The version of the payload that is sent: by default the newest that its task has. */
        newest: number;
        aliases?: string[];
    }[];
};
export type Health = {
    status: "ok";
};
export type Key = {
    name: string;
    role: "read" | "submit" | "operate";
    readOnly: boolean;
    /** Of the deployed code, where the deployment has named it. */
    version?: string;
};
export type Activity = {
    acts: {
        id: string;
        at: string;
        act: "pause" | "resume" | "revoke" | "drop" | "purge" | "limits" | "redrive" | "replay" | "schedule" | "unschedule" | "run" | "ignore" | "resolve" | "reopen" | "bulk" | "start" | "stop";
        /** The name of the key. */
        by: string;
        target: unknown;
        /** Of one that stays 'asked', the outcome is unknown: the function died, or still works. */
        state: "asked" | "done" | "refused";
        outcome?: unknown;
        sourceIp?: string;
    }[];
    searchedFrom: string;
    cursor?: string;
};
export type TaskError = {
    name: string;
    message: string;
    stack?: string;
    code?: string;
    /** Why it came to this error; without a stack. */
    cause?: TaskError;
    /** What an AggregateError holds. */
    errors?: TaskError[];
    /** How many more it holds. */
    moreErrors?: number;
};
export type Task = {
    id: string;
    task: string;
    state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
    queue: string;
    attempt: number;
    payload: unknown;
    createdAt: string;
    rootId: string;
    /** The version that it was sent in; absent for the first. */
    payloadVersion?: number;
    result?: unknown;
    error?: TaskError;
    progress?: unknown;
    /** The runs before the newest, at most the last 20. Not in lists. */
    attempts?: {
        attempt: number;
        outcome: "retry" | "unsettled" | "cutShort" | "requeued" | "replaced" | "failure" | "revoked" | "lost";
        startedAt?: string;
        endedAt?: string;
        error?: {
            name: string;
            message: string;
            code?: string;
        };
        version?: string;
    }[];
    startedAt?: string;
    finishedAt?: string;
    eta?: string;
    expires?: string;
    parentId?: string;
    replayOf?: string;
    replayedBy?: string;
    /** The workflow that it has become. */
    replacedBy?: string;
    revokeRequestedAt?: string;
    messageGroupId?: string;
    tags?: string[];
    headers?: {
        [key: string]: string;
    };
    /** The workflow that it belongs to, its place there, and the place whose results its payload takes. */
    workflow?: {
        id: string;
        place: string;
        input?: string;
    };
    /** The entry that asked for it, and the fire time. */
    schedule?: {
        name: string;
        at: string;
        manual?: true;
        by?: string;
    };
    /** Of the code that ran it last, where the deployment names it. */
    version?: string;
    /** When the file of an upload came. Absent as long as a form waits for it. */
    arrivedAt?: string;
    /** Values that are not shown here, for they are large: a link to each, or 'gone' when it is kept no longer; 'damaged' when it is no JSON. */
    large?: {
        payload?: {
            sizeBytes: number;
            url?: string;
            gone?: true;
            damaged?: true;
        };
        result?: {
            sizeBytes: number;
            url?: string;
            gone?: true;
            damaged?: true;
        };
        error?: {
            sizeBytes: number;
            url?: string;
            gone?: true;
            damaged?: true;
        };
    };
};
export type TaskPage = {
    tasks: Task[];
    /** No older task was looked at. */
    searchedFrom: string;
    /** Present if there may be more. */
    cursor?: string;
};
export type Revoked = {
    revoked: {
        scope: "task" | "queue" | "tag";
        name: string;
        sentUntil: string;
    };
};
export type Replay = {
    /** In the place of the old one. */
    payload?: unknown;
    /** Of that payload; by default that of the old one. */
    payloadVersion?: number;
};
export type PausedTask = {
    task: string;
    paused: boolean;
};
export type Limits = {
    /** Starts in a time, such as '100/m'; a number is starts a second; null is no limit. */
    rateLimit?: string | number | null;
    concurrency?: number | null;
};
export type TaskLimits = {
    task: string;
    limits: Limits | null;
};
export type Queues = {
    queues: {
        name: string;
        paused: boolean;
        waiting?: number;
        inFlight?: number;
        delayed?: number;
        unreadable?: true;
        /** The most workers that Lambda runs for it at once; absent: as many as the account allows. */
        workers?: number;
    }[];
    /** Messages in the dead-letter queue; null if it cannot be read. */
    dead: number | null;
};
export type PausedQueue = {
    queue: string;
    paused: boolean;
};
export type Redrive = {
    /** Tasks a second. */
    rate?: number;
    limit?: number;
    /** Of an earlier answer: go on where that ended. */
    cursor?: string;
    task?: string;
    /** A date or a time. By default 7 days ago. */
    "from"?: string;
    /** A date or a time. By default now. */
    to?: string;
};
export type Redriven = {
    /** Tasks that this call has sent. */
    redriven: number;
    skipped: {
        id: string;
        code: string;
        reason: string;
        replayedBy?: string;
    }[];
    stopped?: {
        code: string;
        reason: string;
    };
    cursor?: string;
};
export type ControlPage = {
    decisions: ({
        kind: "pause";
        scope: "task" | "queue";
        name: string;
        at: string;
    } | {
        kind: "revoke";
        scope: "task" | "queue" | "tag";
        name: string;
        at: string;
    } | {
        kind: "limits";
        scope: "task";
        name: string;
        at: string;
        limits: Limits;
    })[];
    cursor?: string;
};
export type Dropped = {
    dropped: {
        scope: "task" | "queue" | "tag";
        name: string;
    };
    meaning: string;
} | {
    dropped: {
        before: string;
        count: number;
    };
    more: boolean;
    meaning: string;
};
export type NodeOptions = {
    countdown?: number;
    eta?: string;
    expires?: number | string;
    queue?: string;
    tags?: string[];
    headers?: {
        [key: string]: string;
    };
    messageGroupId?: string;
    timeLimit?: number;
    softTimeLimit?: number;
};
export type WorkflowTask = {
    task: string;
    /** The fields that are known. */
    payload?: unknown;
    /** The version of the payload that is sent: by default the newest that its task has. */
    payloadVersion?: number;
    /** The field that the result before becomes. */
    into?: string;
    /** The result before is not wanted. */
    immutable?: boolean;
    options?: NodeOptions;
};
export type WorkflowNode = {
    task?: string;
    /** The fields that are known. */
    payload?: unknown;
    /** The version of the payload that is sent: by default the newest that its task has. */
    payloadVersion?: number;
    /** The field that the result before becomes. */
    into?: string;
    /** The result before is not wanted. */
    immutable?: boolean;
    chain?: WorkflowNode[];
    group?: WorkflowNode[];
    chord?: {
        header: WorkflowNode[];
        body: WorkflowNode;
    };
    each?: WorkflowNode;
    policy?: ("failFast" | "waitForAll" | "collect" | "first") | {
        tolerate: number | string;
    };
    link?: WorkflowTask[];
    linkError?: WorkflowTask[];
    options?: NodeOptions;
};
export type WorkflowBody = {
    task?: string;
    /** The fields that are known. */
    payload?: unknown;
    /** The version of the payload that is sent: by default the newest that its task has. */
    payloadVersion?: number;
    /** The field that the result before becomes. */
    into?: string;
    /** The result before is not wanted. */
    immutable?: boolean;
    chain?: WorkflowNode[];
    group?: WorkflowNode[];
    chord?: {
        header: WorkflowNode[];
        body: WorkflowNode;
    };
    each?: WorkflowNode;
    policy?: ("failFast" | "waitForAll" | "collect" | "first") | {
        tolerate: number | string;
    };
    link?: WorkflowTask[];
    linkError?: WorkflowTask[];
    /** Of the whole: 'countdown' and 'eta' delay its first tasks, 'expires' holds for all. */
    options?: {
        countdown?: number;
        eta?: string;
        expires?: number | string;
        queue?: string;
        tags?: string[];
        headers?: {
            [key: string]: string;
        };
        idempotencyKey?: string;
    };
};
export type AcceptedWorkflow = {
    id: string;
    state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
};
export type WorkflowPage = {
    workflows: {
        id: string;
        state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
        sentAt: string;
        rootId: string;
        /** Its tasks by their names, cut short. */
        title: string;
        finishedAt?: string;
        parentId?: string;
        ended?: number;
        failed?: number;
        /** Steps of its chain, or members of its group. */
        parts?: number;
        /** The task that has become it. */
        replaces?: string;
    }[];
    /** No older workflow was looked at. */
    searchedFrom: string;
    /** Present if there may be more. */
    cursor?: string;
};
export type Workflow = {
    id: string;
    state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
    sentAt: string;
    nodes: {
        place: string;
        kind: "task" | "chain" | "group" | "each";
        state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
        parent?: string;
        task?: string;
        /** The version of the payload that is sent: by default the newest that its task has. */
        payloadVersion?: number;
        id?: string;
        attempt?: number;
        startedAt?: string;
        finishedAt?: string;
        error?: TaskError;
        policy?: ("failFast" | "waitForAll" | "collect" | "first") | {
            tolerate: number | string;
        };
        members?: number;
        ended?: number;
        failed?: number;
        /** Places of the first members that failed. */
        failures?: string[];
        /** Workflows of members that a task has added, the first of them. They are in the counts. */
        added?: string[];
        /** Its parts are not shown here, but for the first that failed: ask for its place. */
        folded?: true;
    }[];
    edges: {
        "from": string;
        to: string;
    }[];
    cursor?: string;
};
export type RevokedWorkflow = {
    id: string;
    revoked: true;
};
export type UploadRequest = {
    filename: string;
    contentType: string;
    size?: number;
};
export type Upload = {
    id: string;
    /** Send `fields` and then the file, as the field `file`, in multipart/form-data to `url`. */
    upload: {
        method: "POST";
        url: string;
        fields: {
            [key: string]: string;
        };
    };
    expiresAt: string;
    /** S3 refuses a larger file. */
    maxBytes: number;
};
export type MultipartUploadRequest = {
    filename: string;
    contentType: string;
    size: number;
};
export type UploadParts = {
    id: string;
    sizeBytes: number;
    /** Of the parts that are there. */
    sentBytes: number;
    /** The next that are missing, at most 20: PUT the bytes from `start`, up to and without `end`, to `url`. None: all are there. */
    parts: {
        "number": number;
        start: number;
        end: number;
        url: string;
    }[];
    /** Of the links. */
    expiresAt: string;
};
export type UploadedTask = {
    id: string;
    task: string;
    state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
    queue: string;
    attempt: number;
    payload: unknown;
    createdAt: string;
    rootId: string;
    /** Links to what the task made. */
    links: {
        [key: string]: string;
    };
    /** The version that it was sent in; absent for the first. */
    payloadVersion?: number;
    result?: unknown;
    error?: TaskError;
    progress?: unknown;
    /** The runs before the newest, at most the last 20. Not in lists. */
    attempts?: {
        attempt: number;
        outcome: "retry" | "unsettled" | "cutShort" | "requeued" | "replaced" | "failure" | "revoked" | "lost";
        startedAt?: string;
        endedAt?: string;
        error?: {
            name: string;
            message: string;
            code?: string;
        };
        version?: string;
    }[];
    startedAt?: string;
    finishedAt?: string;
    eta?: string;
    expires?: string;
    parentId?: string;
    replayOf?: string;
    replayedBy?: string;
    /** The workflow that it has become. */
    replacedBy?: string;
    revokeRequestedAt?: string;
    messageGroupId?: string;
    tags?: string[];
    headers?: {
        [key: string]: string;
    };
    /** The workflow that it belongs to, its place there, and the place whose results its payload takes. */
    workflow?: {
        id: string;
        place: string;
        input?: string;
    };
    /** The entry that asked for it, and the fire time. */
    schedule?: {
        name: string;
        at: string;
        manual?: true;
        by?: string;
    };
    /** Of the code that ran it last, where the deployment names it. */
    version?: string;
    /** When the file of an upload came. Absent as long as a form waits for it. */
    arrivedAt?: string;
    /** Values that are not shown here, for they are large: a link to each, or 'gone' when it is kept no longer; 'damaged' when it is no JSON. */
    large?: {
        payload?: {
            sizeBytes: number;
            url?: string;
            gone?: true;
            damaged?: true;
        };
        result?: {
            sizeBytes: number;
            url?: string;
            gone?: true;
            damaged?: true;
        };
        error?: {
            sizeBytes: number;
            url?: string;
            gone?: true;
            damaged?: true;
        };
    };
    /** The client's name for the file. */
    filename?: string;
    /** A link to the file as it came. */
    original?: string;
};
export type BulkBody = {
    act: "revoke" | "replay";
    /** Of version 7, made by the caller: the same call again is the same act. */
    id?: string;
    /** As the query of GET /tasks. */
    filter?: {
        /** One, or several with commas. */
        state?: string;
        /** One name, or several with commas. */
        task?: string;
        /** One name, or several with commas. */
        queue?: string;
        tag?: string;
        /** Sent by the run of this task. */
        parent?: string;
        /** This task, and all that came of it. */
        root?: string;
        /** Sent at or after. */
        "from"?: string;
        /** Sent at or before. */
        to?: string;
        /** Ended at or after. */
        finishedFrom?: string;
        /** Ended at or before. */
        finishedTo?: string;
        /** Whether 'task' and 'queue' may be names that the service no longer has. */
        unregistered?: "true" | "false";
    };
    /** The fingerprint of a kind of failures. */
    failure?: string;
    ids?: string[];
    /** Tasks a second, at most. */
    rate?: number;
    /** With false it waits for its start when its tasks are found. */
    start?: boolean;
};
export type BulkAct = {
    id: string;
    act: "revoke" | "replay";
    /** The name of the key. */
    by: string;
    at: string;
    state: "collecting" | "ready" | "acting" | "done" | "stopped";
    rate: number;
    /** The filter, the kind of failures, or the number of ids. */
    target: unknown;
    /** Tasks that were found; all of them, once it is not 'collecting'. */
    total: number;
    done: number;
    /** Tasks that were left as they are, for there was nothing to do. */
    skipped: number;
    /** Tasks that could not be acted on. */
    failed: number;
    /** There are more tasks than an act may be about. */
    isCut?: true;
    startedAt?: string;
    endedAt?: string;
};
export type BulkPage = {
    acts: {
        id: string;
        act: "revoke" | "replay";
        /** The name of the key. */
        by: string;
        at: string;
        state: "collecting" | "ready" | "acting" | "done" | "stopped";
        rate: number;
        /** The filter, the kind of failures, or the number of ids. */
        target: unknown;
        /** Tasks that were found; all of them, once it is not 'collecting'. */
        total: number;
        done: number;
        /** Tasks that were left as they are, for there was nothing to do. */
        skipped: number;
        /** Tasks that could not be acted on. */
        failed: number;
        /** There are more tasks than an act may be about. */
        isCut?: true;
        startedAt?: string;
        endedAt?: string;
    }[];
    cursor?: string;
};
export type BulkActWithTasks = {
    id: string;
    act: "revoke" | "replay";
    /** The name of the key. */
    by: string;
    at: string;
    state: "collecting" | "ready" | "acting" | "done" | "stopped";
    rate: number;
    /** The filter, the kind of failures, or the number of ids. */
    target: unknown;
    /** Tasks that were found; all of them, once it is not 'collecting'. */
    total: number;
    done: number;
    /** Tasks that were left as they are, for there was nothing to do. */
    skipped: number;
    /** Tasks that could not be acted on. */
    failed: number;
    tasks: {
        id: string;
        outcome: "waiting" | "done" | "skipped" | "failed";
        code?: string;
        reason?: string;
        replayedBy?: string;
    }[];
    /** There are more tasks than an act may be about. */
    isCut?: true;
    startedAt?: string;
    endedAt?: string;
    cursor?: string;
};
export type Failure = {
    /** Made of task, name, code and place. */
    fingerprint: string;
    task: string;
    /** The error's class. */
    name: string;
    /** Of the newest, cut short. */
    message: string;
    /** The id of the newest. */
    sample: string;
    firstAt: string;
    lastAt: string;
    firstVersion: string;
    lastVersion: string;
    /** About how often. */
    count: number;
    state: "open" | "ignored" | "resolved";
    code?: string;
    /** Function and file. */
    place?: string;
    /** It was resolved, and came again. */
    reopened?: true;
};
export type FailurePage = {
    failures: Failure[];
    cursor?: string;
};
export type FailureWithTasks = {
    /** Made of task, name, code and place. */
    fingerprint: string;
    task: string;
    /** The error's class. */
    name: string;
    /** Of the newest, cut short. */
    message: string;
    /** The id of the newest. */
    sample: string;
    firstAt: string;
    lastAt: string;
    firstVersion: string;
    lastVersion: string;
    /** About how often. */
    count: number;
    state: "open" | "ignored" | "resolved";
    tasks: Task[];
    code?: string;
    /** Function and file. */
    place?: string;
    /** It was resolved, and came again. */
    reopened?: true;
    cursor?: string;
};
export type JudgedFailure = {
    fingerprint: string;
    state: "open" | "ignored" | "resolved";
};
export type Counts = {
    "from": string;
    to: string;
    step: "minute" | "hour";
    points: {
        /** RETRY counts runs after which the task waits for another. */
        state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
        /** About how many. */
        count: number;
        /** Those of them that ran: the times are theirs. */
        runs: number;
        waitMilliseconds: {
            sum: number;
            max: number;
        };
        runMilliseconds: {
            sum: number;
            max: number;
        };
        /** When the minute or hour begins; not by task. */
        at?: string;
        /** Not by state. */
        task?: string;
    }[];
    /** The answer is full: ask again with this as 'from'. */
    cursor?: string;
};
export type SchedulePage = {
    schedules: {
        name: string;
        "static": boolean;
        next: string[];
        /** The workflow that it sends, in the place of a task, as POST /workflows takes it. */
        workflow?: WorkflowNode;
        payload?: unknown;
        /** The version of the payload that is sent: by default the newest that its task has. */
        payloadVersion?: number;
        /** By default the service's TIMEZONE. */
        timezone?: string;
        /** Options of each call; expires and countdown are seconds from the fire time. */
        options?: object;
        enabled?: boolean;
        start?: string;
        end?: string;
        jitter?: number;
        description?: string;
        skippedTime?: "skip" | "runAfter";
        repeatedTime?: "once" | "twice";
        overlap?: "allow" | "skip" | "queueOne" | "cancel";
        catchUp?: "none" | "last" | "all";
        catchUpMax?: number;
        catchUpAge?: number;
        keepHistory?: number;
        task?: string;
        schedule?: string;
        edition?: string;
        createdAt?: string;
        changedAt?: string;
        /** Its document cannot be read, and why. */
        broken?: string;
        runs?: {
            at: string;
            outcome: "run" | "skipped" | "missed" | "paused" | "manual" | "waits" | "unrecorded";
            id?: string;
            state?: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
            workflow?: true;
            finishedAt?: string;
            until?: string;
            count?: number;
            reason?: string;
        }[];
    }[];
    cursor?: string;
};
export type ScheduleWithRuns = {
    name: string;
    "static": boolean;
    next: string[];
    runs: {
        at: string;
        outcome: "run" | "skipped" | "missed" | "paused" | "manual" | "waits" | "unrecorded";
        id?: string;
        state?: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
        workflow?: true;
        finishedAt?: string;
        until?: string;
        count?: number;
        reason?: string;
    }[];
    /** The workflow that it sends, in the place of a task, as POST /workflows takes it. */
    workflow?: WorkflowNode;
    payload?: unknown;
    /** The version of the payload that is sent: by default the newest that its task has. */
    payloadVersion?: number;
    /** By default the service's TIMEZONE. */
    timezone?: string;
    /** Options of each call; expires and countdown are seconds from the fire time. */
    options?: object;
    enabled?: boolean;
    start?: string;
    end?: string;
    jitter?: number;
    description?: string;
    skippedTime?: "skip" | "runAfter";
    repeatedTime?: "once" | "twice";
    overlap?: "allow" | "skip" | "queueOne" | "cancel";
    catchUp?: "none" | "last" | "all";
    catchUpMax?: number;
    catchUpAge?: number;
    keepHistory?: number;
    task?: string;
    schedule?: string;
    edition?: string;
    createdAt?: string;
    changedAt?: string;
    /** Its document cannot be read, and why. */
    broken?: string;
};
export type ScheduleBody = {
    schedule: string;
    task?: string;
    /** The workflow that it sends, in the place of a task, as POST /workflows takes it. */
    workflow?: WorkflowNode;
    payload?: unknown;
    /** The version of the payload that is sent: by default the newest that its task has. */
    payloadVersion?: number;
    /** By default the service's TIMEZONE. */
    timezone?: string;
    /** Options of each call; expires and countdown are seconds from the fire time. */
    options?: object;
    enabled?: boolean;
    start?: string;
    end?: string;
    jitter?: number;
    description?: string;
    skippedTime?: "skip" | "runAfter";
    repeatedTime?: "once" | "twice";
    overlap?: "allow" | "skip" | "queueOne" | "cancel";
    catchUp?: "none" | "last" | "all";
    catchUpMax?: number;
    catchUpAge?: number;
    keepHistory?: number;
};
export type Schedule = {
    name: string;
    "static": boolean;
    next: string[];
    /** The workflow that it sends, in the place of a task, as POST /workflows takes it. */
    workflow?: WorkflowNode;
    payload?: unknown;
    /** The version of the payload that is sent: by default the newest that its task has. */
    payloadVersion?: number;
    /** By default the service's TIMEZONE. */
    timezone?: string;
    /** Options of each call; expires and countdown are seconds from the fire time. */
    options?: object;
    enabled?: boolean;
    start?: string;
    end?: string;
    jitter?: number;
    description?: string;
    skippedTime?: "skip" | "runAfter";
    repeatedTime?: "once" | "twice";
    overlap?: "allow" | "skip" | "queueOne" | "cancel";
    catchUp?: "none" | "last" | "all";
    catchUpMax?: number;
    catchUpAge?: number;
    keepHistory?: number;
    task?: string;
    schedule?: string;
    edition?: string;
    createdAt?: string;
    changedAt?: string;
    /** Its document cannot be read, and why. */
    broken?: string;
};
export type ScheduleChange = {
    task?: string | null;
    schedule?: string | null;
    workflow?: WorkflowNode | null;
    payload?: unknown | null;
    payloadVersion?: number | null;
    timezone?: string | null;
    options?: object | null;
    enabled?: boolean | null;
    start?: string | null;
    end?: string | null;
    jitter?: number | null;
    description?: string | null;
    skippedTime?: ("skip" | "runAfter") | null;
    repeatedTime?: ("once" | "twice") | null;
    overlap?: ("allow" | "skip" | "queueOne" | "cancel") | null;
    catchUp?: ("none" | "last" | "all") | null;
    catchUpMax?: number | null;
    catchUpAge?: number | null;
    keepHistory?: number | null;
};
export type DeletedSchedule = {
    name: string;
    deleted: true;
};
export type AcceptedRun = {
    id: string;
    state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
    /** Absent of a workflow. */
    task?: string;
};
export type PausedSchedule = {
    name: string;
    paused: boolean;
};
export type SchedulePreview = {
    schedule: string;
    timezone: string;
    /** With the offset of the zone. */
    next: string[];
    /** What may surprise. */
    notes: string[];
    clockChanges: {
        at: string;
        minutes: number;
        effect: string;
    }[];
};
/**
 * Send add
 */
export function sendAdd(body: {
    payload: PayloadAdd;
    options?: Options;
    /** A UUID of version 7, made by the caller now: the same call again is the same task, and is answered with its state. */
    id?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Accepted;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>("/tasks/add", oazapfts.json({
        ...opts,
        method: "POST",
        body
    }));
}
/**
 * Send tick
 */
export function sendTick(body?: {
    payload?: PayloadTick;
    options?: Options;
    /** A UUID of version 7, made by the caller now: the same call again is the same task, and is answered with its state. */
    id?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Accepted;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>("/tasks/tick", oazapfts.json({
        ...opts,
        method: "POST",
        body
    }));
}
/**
 * Send outline
 */
export function sendOutline(body: {
    payload: PayloadOutline;
    options?: Options;
    /** A UUID of version 7, made by the caller now: the same call again is the same task, and is answered with its state. */
    id?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Accepted;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>("/tasks/outline", oazapfts.json({
        ...opts,
        method: "POST",
        body
    }));
}
/**
 * Send fails
 */
export function sendFails(body?: {
    payload?: PayloadFails;
    options?: Options;
    /** A UUID of version 7, made by the caller now: the same call again is the same task, and is answered with its state. */
    id?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Accepted;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>("/tasks/fails", oazapfts.json({
        ...opts,
        method: "POST",
        body
    }));
}
/**
 * Names of the tasks
 */
export function readIndex(opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Index;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>("/", {
        ...opts
    });
}
/**
 * This document
 */
export function readContract(opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: object;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>("/openapi.json", {
        ...opts
    });
}
/**
 * Liveness; needs no key
 */
export function readHealth(opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Health;
    } | {
        status: 500;
        data: Problem;
    }>("/health", {
        ...opts
    });
}
/**
 * Name and role of the key that asks
 */
export function readKey(opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Key;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>("/key", {
        ...opts
    });
}
/**
 * Acts of operators, newest first; kept for 90 days
 */
export function listActivity({ $from, to, by, act, cursor, limit }: {
    $from?: string;
    to?: string;
    by?: string;
    act?: "pause" | "resume" | "revoke" | "drop" | "purge" | "limits" | "redrive" | "replay" | "schedule" | "unschedule" | "run" | "ignore" | "resolve" | "reopen" | "bulk" | "start" | "stop";
    cursor?: string;
    limit?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Activity;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/activity${QS.query(QS.explode({
        "from": $from,
        to,
        by,
        act,
        cursor,
        limit
    }))}`, {
        ...opts
    });
}
/**
 * List tasks, in the order in which they were sent
 */
export function listTasks({ state, task, queue, tag, parent, root, $from, to, finishedFrom, finishedTo, unregistered, search, order, values, cursor, limit }: {
    state?: string;
    task?: string;
    queue?: string;
    tag?: string;
    parent?: string;
    root?: string;
    $from?: string;
    to?: string;
    finishedFrom?: string;
    finishedTo?: string;
    unregistered?: "true" | "false";
    search?: string;
    order?: "newest" | "oldest";
    values?: "true" | "false";
    cursor?: string;
    limit?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: TaskPage;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/tasks${QS.query(QS.explode({
        state,
        task,
        queue,
        tag,
        parent,
        root,
        "from": $from,
        to,
        finishedFrom,
        finishedTo,
        unregistered,
        search,
        order,
        values,
        cursor,
        limit
    }))}`, {
        ...opts
    });
}
/**
 * Revoke all that was sent by now, of one tag, task or queue
 */
export function revokeTasks({ tag, task, queue, unregistered }: {
    tag?: string;
    task?: string;
    queue?: string;
    unregistered?: "true" | "false";
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Revoked;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/tasks${QS.query(QS.explode({
        tag,
        task,
        queue,
        unregistered
    }))}`, {
        ...opts,
        method: "DELETE"
    });
}
/**
 * Read a task
 */
export function readTask(id: string, { wait }: {
    wait?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Task;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/tasks/${encodeURIComponent(id)}${QS.query(QS.explode({
        wait
    }))}`, {
        ...opts
    });
}
/**
 * Revoke a task
 */
export function revokeTask(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Accepted;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/tasks/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    });
}
/**
 * Run a task that has ended again, as a new one
 */
export function replayTask(id: string, replay?: Replay, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Accepted;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 410;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/tasks/${encodeURIComponent(id)}/replay`, oazapfts.json({
        ...opts,
        method: "POST",
        body: replay
    }));
}
/**
 * Pause a task
 */
export function pauseTask(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: PausedTask;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/tasks/${encodeURIComponent(name)}/pause`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Resume a task
 */
export function resumeTask(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: PausedTask;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/tasks/${encodeURIComponent(name)}/resume`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Change a task's limits
 */
export function setTaskLimits(name: string, limits: Limits, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: TaskLimits;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/tasks/${encodeURIComponent(name)}/limits`, oazapfts.json({
        ...opts,
        method: "PUT",
        body: limits
    }));
}
/**
 * Give a task the limits of its code
 */
export function resetTaskLimits(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: TaskLimits;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/tasks/${encodeURIComponent(name)}/limits`, {
        ...opts,
        method: "DELETE"
    });
}
/**
 * Depth of every queue
 */
export function listQueues(opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Queues;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>("/queues", {
        ...opts
    });
}
/**
 * Pause a queue
 */
export function pauseQueue(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: PausedQueue;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/queues/${encodeURIComponent(name)}/pause`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Resume a queue
 */
export function resumeQueue(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: PausedQueue;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/queues/${encodeURIComponent(name)}/resume`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Revoke everything that was sent to a queue by now
 */
export function purgeQueue(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Revoked;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/queues/${encodeURIComponent(name)}/purge`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Replay a queue's failures at a rate
 */
export function redriveQueue(name: string, redrive?: Redrive, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Redriven;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/queues/${encodeURIComponent(name)}/redrive`, oazapfts.json({
        ...opts,
        method: "POST",
        body: redrive
    }));
}
/**
 * Pauses, revokes and limits that are in force
 */
export function listDecisions({ cursor, limit }: {
    cursor?: string;
    limit?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: ControlPage;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/control${QS.query(QS.explode({
        cursor,
        limit
    }))}`, {
        ...opts
    });
}
/**
 * Drop the revoke of one tag, task or queue, or those made before a time: tasks that they stopped and that still wait may run
 */
export function dropRevokes({ tag, task, queue, before }: {
    tag?: string;
    task?: string;
    queue?: string;
    before?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Dropped;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/control${QS.query(QS.explode({
        tag,
        task,
        queue,
        before
    }))}`, {
        ...opts,
        method: "DELETE"
    });
}
/**
 * Send a workflow: a task, chain, group, chord or each, and these within each other
 */
export function sendWorkflow(workflowBody: WorkflowBody, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: AcceptedWorkflow;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>("/workflows", oazapfts.json({
        ...opts,
        method: "POST",
        body: workflowBody
    }));
}
/**
 * List workflows, newest first
 */
export function listWorkflows({ state, $from, to, cursor, limit }: {
    state?: "PENDING" | "SUCCESS" | "FAILURE" | "REVOKED";
    $from?: string;
    to?: string;
    cursor?: string;
    limit?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: WorkflowPage;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/workflows${QS.query(QS.explode({
        state,
        "from": $from,
        to,
        cursor,
        limit
    }))}`, {
        ...opts
    });
}
/**
 * Read a workflow: its nodes with their states, or those of one place
 */
export function readWorkflow(id: string, { place, cursor, limit, failed, format }: {
    place?: string;
    cursor?: string;
    limit?: number;
    failed?: boolean;
    format?: "json" | "dot" | "mermaid";
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Workflow;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/workflows/${encodeURIComponent(id)}${QS.query(QS.explode({
        place,
        cursor,
        limit,
        failed,
        format
    }))}`, {
        ...opts
    });
}
/**
 * Revoke a workflow: what has not begun never runs
 */
export function revokeWorkflow(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: RevokedWorkflow;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/workflows/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    });
}
/**
 * Ask for an upload form
 */
export function createUpload(uploadRequest: UploadRequest, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 201;
        data: Upload;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>("/uploads", oazapfts.json({
        ...opts,
        method: "POST",
        body: uploadRequest
    }));
}
/**
 * Ask for an upload in parts
 */
export function createMultipartUpload(multipartUploadRequest: MultipartUploadRequest, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 201;
        data: UploadParts;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>("/uploads/multipart", oazapfts.json({
        ...opts,
        method: "POST",
        body: multipartUploadRequest
    }));
}
/**
 * Ask for links to the next parts that are missing; none: all are there
 */
export function listMissingParts(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: UploadParts;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 410;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/uploads/${encodeURIComponent(id)}/parts`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Make a file of its parts; again it does no more
 */
export function completeMultipartUpload(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Accepted;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 410;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/uploads/${encodeURIComponent(id)}/complete`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Give up an upload whose file has not come: its parts are removed, and its task is revoked
 */
export function giveUpUpload(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: Accepted;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/uploads/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    });
}
/**
 * Ask for another form of an upload whose file has not come
 */
export function renewUpload(id: string, uploadRequest: UploadRequest, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 201;
        data: Upload;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/uploads/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "POST",
        body: uploadRequest
    }));
}
/**
 * Read an upload's task, and links to what it made
 */
export function readUpload(id: string, { wait }: {
    wait?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: UploadedTask;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/uploads/${encodeURIComponent(id)}${QS.query(QS.explode({
        wait
    }))}`, {
        ...opts
    });
}
/**
 * Revoke or replay many tasks, at a rate
 */
export function makeBulkAct(bulkBody: BulkBody, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: BulkAct;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>("/bulk", oazapfts.json({
        ...opts,
        method: "POST",
        body: bulkBody
    }));
}
/**
 * Bulk acts, newest first; kept for 90 days
 */
export function listBulkActs({ cursor, limit }: {
    cursor?: string;
    limit?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: BulkPage;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/bulk${QS.query(QS.explode({
        cursor,
        limit
    }))}`, {
        ...opts
    });
}
/**
 * A bulk act, how far it is, and a page of its tasks with their outcomes
 */
export function readBulkAct(id: string, { cursor, outcome }: {
    cursor?: string;
    outcome?: "waiting" | "done" | "skipped" | "failed";
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: BulkActWithTasks;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/bulk/${encodeURIComponent(id)}${QS.query(QS.explode({
        cursor,
        outcome
    }))}`, {
        ...opts
    });
}
/**
 * Stop a bulk act: what it has done stays, and the other tasks are left as they are
 */
export function stopBulkAct(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: BulkAct;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/bulk/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    });
}
/**
 * Let a bulk act go on that is ready
 */
export function startBulkAct(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: BulkAct;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/bulk/${encodeURIComponent(id)}/start`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Failures by their kind, the newest first
 */
export function listFailures({ state, task, cursor, limit }: {
    state?: "open" | "ignored" | "resolved";
    task?: string;
    cursor?: string;
    limit?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: FailurePage;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/failures${QS.query(QS.explode({
        state,
        task,
        cursor,
        limit
    }))}`, {
        ...opts
    });
}
/**
 * A kind of failure, and the tasks that have failed so
 */
export function readFailure(fingerprint: string, { cursor, limit }: {
    cursor?: string;
    limit?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: FailureWithTasks;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/failures/${encodeURIComponent(fingerprint)}${QS.query(QS.explode({
        cursor,
        limit
    }))}`, {
        ...opts
    });
}
/**
 * Ignore a kind of failure, also when it comes again
 */
export function ignoreFailure(fingerprint: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: JudgedFailure;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/failures/${encodeURIComponent(fingerprint)}/ignore`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Call a kind of failure resolved, until it comes again in another version
 */
export function resolveFailure(fingerprint: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: JudgedFailure;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/failures/${encodeURIComponent(fingerprint)}/resolve`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Call a kind of failure open
 */
export function reopenFailure(fingerprint: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: JudgedFailure;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/failures/${encodeURIComponent(fingerprint)}/reopen`, {
        ...opts,
        method: "POST"
    });
}
/**
 * About how many tasks ended, by minute or hour, task and state; kept for eight days
 */
export function listCounts({ $from, to, step, by, task }: {
    $from?: string;
    to?: string;
    step?: "minute" | "hour";
    by?: "state" | "task";
    task?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Counts;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/counts${QS.query(QS.explode({
        "from": $from,
        to,
        step,
        by,
        task
    }))}`, {
        ...opts
    });
}
/**
 * Queues and counts in the text format of Prometheus
 */
export function readMetrics(opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: string;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>("/metrics", {
        ...opts
    });
}
/**
 * Schedule entries by name
 */
export function listSchedules({ prefix, task, enabled, cursor, limit, runs }: {
    prefix?: string;
    task?: string;
    enabled?: "true" | "false";
    cursor?: string;
    limit?: number;
    runs?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: SchedulePage;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/schedules${QS.query(QS.explode({
        prefix,
        task,
        enabled,
        cursor,
        limit,
        runs
    }))}`, {
        ...opts
    });
}
/**
 * Read a schedule entry, its next fire times and its last runs
 */
export function readSchedule(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: ScheduleWithRuns;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/schedules/${encodeURIComponent(name)}`, {
        ...opts
    });
}
/**
 * Make a schedule entry, or replace it; the same again changes nothing
 */
export function putSchedule(name: string, scheduleBody: ScheduleBody, { ifMatch }: {
    ifMatch?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Schedule;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 412;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/schedules/${encodeURIComponent(name)}`, oazapfts.json({
        ...opts,
        method: "PUT",
        body: scheduleBody,
        headers: oazapfts.mergeHeaders(opts?.headers, {
            "If-Match": ifMatch
        })
    }));
}
/**
 * Change some fields of a schedule entry; null takes one away
 */
export function changeSchedule(name: string, scheduleChange: ScheduleChange, { ifMatch }: {
    ifMatch?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: Schedule;
    } | {
        status: 400;
        data: Problem;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 412;
        data: Problem;
    } | {
        status: 413;
        data: Problem;
    } | {
        status: 415;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/schedules/${encodeURIComponent(name)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body: scheduleChange,
        headers: oazapfts.mergeHeaders(opts?.headers, {
            "If-Match": ifMatch
        })
    }));
}
/**
 * Delete a schedule entry; a run that is under way goes on
 */
export function deleteSchedule(name: string, { ifMatch }: {
    ifMatch?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: DeletedSchedule;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 409;
        data: Problem;
    } | {
        status: 412;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/schedules/${encodeURIComponent(name)}`, {
        ...opts,
        method: "DELETE",
        headers: oazapfts.mergeHeaders(opts?.headers, {
            "If-Match": ifMatch
        })
    });
}
/**
 * Run a schedule entry now, also one that is paused or over; it moves no fire time
 */
export function runSchedule(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: AcceptedRun;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/schedules/${encodeURIComponent(name)}/run`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Pause a schedule entry, one of the code, too
 */
export function pauseSchedule(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: PausedSchedule;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/schedules/${encodeURIComponent(name)}/pause`, {
        ...opts,
        method: "POST"
    });
}
/**
 * Let a schedule entry go on with its next fire time
 */
export function resumeSchedule(name: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 202;
        data: PausedSchedule;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 403;
        data: Problem;
    } | {
        status: 404;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    } | {
        status: 503;
        data: Problem;
    }>(`/schedules/${encodeURIComponent(name)}/resume`, {
        ...opts,
        method: "POST"
    });
}
/**
 * The next fire times of a schedule, and what the clock changes of the next year do to it
 */
export function previewSchedule(schedule: string, { timezone, start, end, skippedTime, repeatedTime, count }: {
    timezone?: string;
    start?: string;
    end?: string;
    skippedTime?: "skip" | "runAfter";
    repeatedTime?: "once" | "twice";
    count?: number;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.fetchJson<{
        status: 200;
        data: SchedulePreview;
    } | {
        status: 401;
        data: Problem;
    } | {
        status: 422;
        data: Problem;
    } | {
        status: 500;
        data: Problem;
    }>(`/schedule-preview${QS.query(QS.explode({
        schedule,
        timezone,
        start,
        end,
        skippedTime,
        repeatedTime,
        count
    }))}`, {
        ...opts
    });
}
