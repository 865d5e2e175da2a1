import worker from "../../../../services/worker/images/worker.js";
import { countedWorker } from "../counted.js";

export default countedWorker(worker);
