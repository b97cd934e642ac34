namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>How a guest ended.</summary>
public enum GuestEnding
{
    /// <summary>Its job was done and it sent its files.</summary>
    Finished,

    /// <summary>The kernel never ran the guest's first program.</summary>
    DidNotStart,

    /// <summary>It ended before its job was done: a panic, a triple fault.</summary>
    Died,

    /// <summary>Its time was up and it was killed.</summary>
    TimedOut,

    /// <summary>It wrote more than it may and was killed.</summary>
    OutputTooLarge,

    /// <summary>It ended, but what it sent cannot be read.</summary>
    AnswerMalformed,
}
