import worker from "../../../../services/worker/annotations/worker.js";
import { countedWorker } from "../counted.js";

export default countedWorker(worker);
