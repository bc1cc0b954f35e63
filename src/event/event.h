/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: schemas, records, the bus, filters, operators and writers. The folder's one public header.
 */
#pragma once

#include "event/bus.h"
#include "event/expression.h"
#include "event/gadget.h"
#include "event/materialize.h"
#include "event/schema.h"
#include "event/writer.h"
