using Xunit;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>The tests that share what was built of the cases.</summary>
[CollectionDefinition(nameof(CaseCollection))]
public sealed class CaseCollection : ICollectionFixture<CaseBuilds>;
