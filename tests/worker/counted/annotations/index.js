import Service from "../../../../services/worker/annotations/build/index.js";
import { countedWorker } from "../counted.js";

export default countedWorker(Service);
