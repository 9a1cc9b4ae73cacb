package webhook

// SignText signs a time that need not be a number.
var SignText = signText
