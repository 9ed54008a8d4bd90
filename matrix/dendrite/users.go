package dendrite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	appservice "github.com/element-hq/dendrite/appservice/api"
	"github.com/element-hq/dendrite/clientapi/auth/authtypes"
	users "github.com/element-hq/dendrite/userapi/api"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

// User is an account that has to be there, with one signed-in device.
type User struct {
	Local  string // the part before the colon, without @
	Device string // its id, such as MATRIXOS
	Label  string // what other devices of the user call it
	// Password lets the user sign in elsewhere. Without one a new account has
	// none, and an existing one keeps its own.
	Password string
	// AccountOnly makes no device.
	AccountOnly bool
	// Token is what the device had; while it is valid it stays, and with it the
	// device's keys.
	Token string
}

// EnsureUser makes what is missing of u, and returns the device's access token.
func (s *Server) EnsureUser(ctx context.Context, u User) (token string, err error) {
	domain := s.cfg.Global.ServerName
	var made users.PerformAccountCreationResponse
	if err := s.users.PerformAccountCreation(ctx, &users.PerformAccountCreationRequest{
		AccountType: users.AccountTypeUser, Localpart: u.Local, ServerName: domain, Password: u.Password, OnConflict: users.ConflictUpdate,
	}, &made); err != nil {
		return "", err
	}
	if !made.AccountCreated && u.Password != "" {
		if err := s.setPassword(ctx, u); err != nil {
			return "", err
		}
	}
	if u.AccountOnly {
		return "", s.look(ctx, u.Local)
	}
	id := fmt.Sprintf("@%s:%s", u.Local, domain)
	if u.Token != "" {
		var q users.QueryAccessTokenResponse
		err := s.users.QueryAccessToken(ctx, &users.QueryAccessTokenRequest{AccessToken: u.Token}, &q)
		if err == nil && q.Device != nil && q.Device.UserID == id && q.Device.ID == u.Device {
			return u.Token, nil
		}
	}
	var res users.PerformDeviceCreationResponse
	if err := s.users.PerformDeviceCreation(ctx, &users.PerformDeviceCreationRequest{
		Localpart: u.Local, ServerName: domain, // without it the keys of an existing device are wiped
		AccessToken: rand.Text() + rand.Text(), // it makes none itself
		DeviceID:    &u.Device, DeviceDisplayName: &u.Label,
	}, &res); err != nil {
		return "", err
	}
	if res.Device == nil || res.Device.UserID != id || res.Device.AccessToken == "" {
		return "", errors.New("the homeserver made no device")
	}
	return res.Device.AccessToken, nil
}

// look reports whether an account is there: Dendrite takes every failure to make one
// for one that exists already.
func (s *Server) look(ctx context.Context, local string) error {
	var res users.QueryAccountByLocalpartResponse
	err := s.users.QueryAccountByLocalpart(ctx, &users.QueryAccountByLocalpartRequest{Localpart: local, ServerName: s.cfg.Global.ServerName}, &res)
	if err == nil && res.Account == nil {
		err = errors.New("the homeserver made no account")
	}
	return err
}

func (s *Server) setPassword(ctx context.Context, u User) error {
	var res users.PerformPasswordUpdateResponse
	err := s.users.PerformPasswordUpdate(ctx, &users.PerformPasswordUpdateRequest{
		Localpart: u.Local, ServerName: s.cfg.Global.ServerName, Password: u.Password,
	}, &res)
	if err == nil && !res.PasswordUpdated {
		err = errors.New("the homeserver did not take the password")
	}
	return err
}

// directory is what users are called in the search for people. Dendrite asks for the
// profiles in whose name the name of a user occurs, and takes any: @anna would be shown as
// @anna_ai is called. So it gets the one.
type directory struct {
	users users.UserInternalAPI
	home  spec.ServerName
}

// QuerySearchProfiles is called with the name of one user.
func (d directory) QuerySearchProfiles(ctx context.Context, req *users.QuerySearchProfilesRequest, res *users.QuerySearchProfilesResponse) error {
	p, err := d.users.QueryProfile(ctx, "@"+req.SearchString+":"+string(d.home))
	if errors.Is(err, appservice.ErrProfileNotExists) {
		return nil
	}
	if err == nil {
		res.Profiles = []authtypes.Profile{*p}
	}
	return err
}
