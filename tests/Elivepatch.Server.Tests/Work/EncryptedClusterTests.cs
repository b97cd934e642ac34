using Elivepatch.Builder.Broker;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State.Postgres;
using RabbitMQ.Client.Exceptions;

namespace Elivepatch.Server.Tests.Work;

/// <summary>Database, broker and server over TLS, with a certificate that only those trust who were told to.</summary>
public sealed class EncryptedClusterTests : IDisposable
{
    private readonly Scratch scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task A_build_goes_all_its_ways_over_TLS_and_nobody_talks_to_whom_they_do_not_trust()
    {
        var certificate = ServerCertificateFiles.Write(scratch.Folder);
        await using var postgres = await PostgresCluster.StartAsync(certificate: certificate);
        await using var broker = await RabbitBroker.StartAsync(certificate);
        var (database, queue) = (await postgres.NewDatabaseAsync(), broker.NewHost());

        var stranger = await PostgresDatabase.OpenAsync(
            PostgresAddress.Parse(database + "?sslmode=verify-full").Value,
            Cancellation
        );
        Assert.Equal(DatabaseProblems.DatabaseUnreachable, Assert.Single(stranger.Problems).Code);
        await Assert.ThrowsAsync<BrokerUnreachableException>(() =>
            BrokerAddress.Parse(queue).Value.ConnectAsync("stranger", Cancellation)
        );

        using var cluster = await Cluster.StartAsync(
            $"{database}?sslmode=verify-full&sslrootcert={certificate.Certificate}",
            queue,
            servers: 1,
            certificate
        );
        await cluster.AddWorkerAsync("one");
        Assert.Equal(BuildState.Succeeded, (await cluster.EndOfAsync(await cluster.SubmitAsync("encrypted"))).State);
    }
}
