# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
