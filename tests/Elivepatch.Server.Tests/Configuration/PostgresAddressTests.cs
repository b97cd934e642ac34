using Elivepatch.Server.Configuration;
using Npgsql;

namespace Elivepatch.Server.Tests.Configuration;

/// <summary>What operators write as the address of a database.</summary>
public sealed class PostgresAddressTests
{
    [Theory]
    [InlineData("postgres://u:p@db.example/name", "db.example", 5432, "u", "p", "name")]
    [InlineData("postgresql://u@10.0.0.1:6000/name", "10.0.0.1", 6000, "u", null, "name")]
    [InlineData("postgres://u:p%40ss%3A%2F@db/name", "db", 5432, "u", "p@ss:/", "name")]
    [InlineData("postgres://u:a:b@db/name", "db", 5432, "u", "a:b", "name")]
    [InlineData("postgres://u:p@[::1]:7/name", "::1", 7, "u", "p", "name")]
    [InlineData("postgres://u@%2Fvar%2Frun%2Fpostgresql/name", "/var/run/postgresql", 5432, "u", null, "name")]
    [InlineData("postgres:///name?host=/run/pg&sslmode=disable", "/run/pg", 5432, null, null, "name")]
    public void An_address_is_read(string text, string host, int port, string? user, string? password, string name)
    {
        var read = new NpgsqlConnectionStringBuilder(PostgresAddress.Parse(text).Value.ConnectionString);
        Assert.Equal((host, port, user, password, name), (read.Host, read.Port, read.Username, read.Password, read.Database));
    }

    [Theory]
    [InlineData("")]
    [InlineData("mysql://u:s3cret@db/name")]
    [InlineData("Host=db;Password=s3cret")]
    [InlineData("postgres://")]
    [InlineData("postgres://u:s3cret@db")]
    [InlineData("postgres://u:s3cret@db/")]
    [InlineData("postgres://u:s3cret@/name")]
    [InlineData("postgres://u:s3cret@db:0/name")]
    [InlineData("postgres://u:s3cret@db:port/name")]
    [InlineData("postgres://u:s3cret@db:70000/name")]
    [InlineData("postgres://u:s3cret/word@db/name")]
    [InlineData("postgres://u:s3cret%zz@db/name")]
    [InlineData("postgres://u:s3cret%0a@db/name")]
    [InlineData("postgres://u:s3cret@d;b/name")]
    [InlineData("postgres://u:s3cret@one,two/name")]
    [InlineData("postgres://u:s3cret@db/name/more")]
    [InlineData("postgres://u:s3cret@db/name?sslmode=yes")]
    [InlineData("postgres://u:s3cret@db/name?sslmode")]
    [InlineData("postgres://u:s3cret@db/name?host=/run")]
    [InlineData("postgres://u:s3cret@db/name?password=s3cret")]
    [InlineData("postgres://u:s3cret@db/name?pool=1")]
    [InlineData("postgres://u:s3cret@db/name?sslrootcert=relative.pem")]
    public void What_makes_no_sense_is_refused_and_nothing_of_it_is_repeated(string text)
    {
        var problem = Assert.Single(PostgresAddress.Parse(text).Problems);
        Assert.Equal("ELP1017", problem.Code.Id);
        Assert.DoesNotContain("s3cret", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_shown_of_an_address_has_neither_user_nor_password()
    {
        var address = PostgresAddress.Parse("postgres://u5er:s3cret@db:6000/name?sslmode=require").Value;
        Assert.Equal("postgres://db:6000/name", address.ToString());
        Assert.Equal("postgres://db:6000/name", $"{address}");
        Assert.DoesNotContain(
            "s3cret",
            new ServerOptions
            {
                StateFolder = "",
                CacheFolder = "",
                Database = address,
            }.ToString(),
            StringComparison.Ordinal
        );
    }
}
